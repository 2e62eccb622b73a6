import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fakeRuntime } from 'batchx/testing';
import { expect, it } from 'vitest';
import type { Identity } from '../../src/core/identity.js';
import { STATE } from '../../src/journal/item-table.js';
import { Job } from '../../src/journal/job.js';
import type { EndedHow } from '../../src/journal/records.js';
import { wordOf } from '../../src/journal/words.js';
import { temporaryFolder } from '../contract/temp.js';
import { CHAIN, journalOf, key, known } from './journals.js';

function open(folder: string): Job {
  const { scheduler, stopping } = fakeRuntime();
  return new Job({
    folder,
    name: 'nightly',
    chain: CHAIN,
    version: '1.0.0',
    at: 'then',
    stamp: 's',
    scheduler,
    stopping,
    random: () => 0.5,
    redact: (text) => text,
  });
}

function identityOf({ table }: Job, n: number): Identity {
  const k = key(n);
  return { key: k, fingerprint: k, times: undefined, entry: table.add(wordOf(k, 0), wordOf(k, 8)), outputs: [] };
}

async function run(folder: string, from: number, to: number, how: EndedHow, batch = 20_000): Promise<number> {
  const job = open(folder);
  let largest = 0;
  for (let n = from; n < to;) {
    const first = n;
    const items: Identity[] = [];
    for (; n < Math.min(to, first + batch); n++) items.push(identityOf(job, n));
    job.begin(items);
    items.forEach(({ key: k, entry }, i) => {
      job.end({ k, f: key(first + i + 1000), m: undefined, as: 'ok', p: job.p, r: (first + i) * 300 }, entry);
    });
    await job.commit();
    largest = Math.max(largest, statSync(journalOf(folder)).size);
  }
  await job.close(how);
  return largest;
}

it('compacts its journal while it runs, once that is large, and loses no item by that', async () => {
  const folder = join(temporaryFolder(), 'nightly');
  // About 140 bytes an item, so that the limit of 64 MB is passed.
  const largest = await run(folder, 0, 600_000, 'interrupted');
  expect(largest).toBeLessThan(70 * 1024 * 1024);
  expect(statSync(journalOf(folder)).size).toBeLessThan(40 * 1024 * 1024);
  await run(folder, 600_000, 700_000, 'complete');
  expect(statSync(journalOf(folder)).size).toBeLessThan(50 * 1024 * 1024);
  const job = open(folder);
  expect(job.table.size).toBe(700_000);
  let wrong = 0;
  for (let n = 0; n < 700_000; n++) {
    const item = known(job.state, n);
    if (item?.state !== STATE.ok || item.place !== n * 300 || !item.same) wrong++;
  }
  expect(wrong).toBe(0);
  await job.close('interrupted');
}, 60_000);

it('does not compact what is small', async () => {
  const folder = join(temporaryFolder(), 'nightly');
  await run(folder, 0, 100, 'complete');
  expect(existsSync(join(folder, 'snapshot'))).toBe(false);
  expect(readdirSync(folder).sort()).toEqual(['journal.jsonl', 'lock.1', 'results.jsonl']);
});

it('knows what files were written for items by the number of the item, also after a compaction', async () => {
  const folder = join(temporaryFolder(), 'nightly');
  const job = open(folder);
  const [one, two] = [identityOf(job, 1), identityOf(job, 2)];
  await job.ready(one, { path: 'out/a', size: 1, sha256: 'x' });
  expect([job.owns(one, 'out/a'), job.owns(two, 'out/a'), job.owns(one, 'out/b')]).toEqual([true, false, false]);
  await job.close('interrupted');
  // Once for each item is no reason; a second time is.
  await run(folder, 3, 2000, 'complete');
  expect(existsSync(join(folder, 'snapshot'))).toBe(false);
  await run(folder, 3, 2000, 'complete');
  expect(existsSync(join(folder, 'snapshot'))).toBe(true);
  const again = open(folder);
  expect(again.owns(identityOf(again, 1), 'out/a')).toBe(true);
  expect(again.owns(identityOf(again, 2), 'out/a')).toBe(false);
  await again.close('interrupted');
});
