import { closeSync, existsSync, openSync, readdirSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fakeRuntime } from 'batchx/testing';
import { expect, it } from 'vitest';
import type { Identity } from '../../src/core/identity.js';
import { STATE } from '../../src/journal/item-table.js';
import { Job } from '../../src/journal/job.js';
import type { EndedHow } from '../../src/journal/records.js';
import { SummedLines } from '../../src/journal/summed-lines.js';
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

/** The last result has to be there; nobody looks at the others. */
function putResult(folder: string, place: number): void {
  const lines = new SummedLines();
  lines.add('{"k":""');
  const fd = openSync(join(folder, 'results.jsonl'), 'r+');
  writeSync(fd, lines.take(), 0, undefined, place);
  closeSync(fd);
}

async function run(folder: string, from: number, to: number, how: EndedHow, batch = 20_000): Promise<number> {
  const job = open(folder);
  let largest = 0;
  for (let n = from; n < to;) {
    const first = n;
    const items: Identity[] = [];
    for (; n < Math.min(to, first + batch); n++) items.push(identityOf(job, n));
    job.running.begin(items);
    items.forEach(({ key: k, entry }, i) => {
      job.end({ k, f: key(first + i + 1000), m: undefined, as: 'ok', p: job.p, r: (first + i) * 300 }, entry);
    });
    await job.commits.commit();
    largest = Math.max(largest, statSync(journalOf(folder)).size);
  }
  putResult(folder, (to - 1) * 300);
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
  const takes = (path: string, { entry }: typeof one): boolean => job.paths.takes(path, entry);
  expect([takes('out/a', one), takes('out/a', two), takes('out/b', one)]).toEqual([true, false, false]);
  await job.close('interrupted');
  // Once for each item is no reason; once again and again is.
  for (let turn = 0; turn < 4; turn++) {
    expect(existsSync(join(folder, 'snapshot'))).toBe(false);
    await run(folder, 3, 2000, 'complete');
  }
  expect(existsSync(join(folder, 'snapshot'))).toBe(true);
  const again = open(folder);
  expect(again.state.owners.get('out/a')).toBe(identityOf(again, 1).entry);
  await again.close('interrupted');
});

it('says of an output that only whole blocks of it belong to what is done, whenever it commits', async () => {
  const folder = join(temporaryFolder(), 'nightly');
  const out = join(folder, 'out.jsonl');
  const job = open(folder);
  const output = await job.outputs.open(out);
  await output.write(Buffer.from('1\n2\n'));
  job.outputs.mark();
  const [one, two] = [identityOf(job, 1), identityOf(job, 2)];
  job.running.begin([one, two]);
  const end = ({ key: k, entry }: Identity): void =>
    job.end({ k, f: key(1), m: undefined, as: 'ok', p: job.p, r: -1 }, entry);
  end(one);
  // Half of the next block is there, when something else asks for a commit.
  await output.write(Buffer.from('3\n'));
  await job.commits.commit();
  await output.close();
  await job.close(undefined);
  const again = open(folder);
  expect(again.state.outputs.get(out)?.[1]).toBe(4);
  const more = await again.outputs.open(out);
  expect(statSync(out).size).toBe(4);
  await more.close();
  await again.close('interrupted');
});

it('is not opened when the end of its results is lost: what comes next would stand in its place', async () => {
  const folder = join(temporaryFolder(), 'nightly');
  await run(folder, 0, 10, 'interrupted');
  await open(folder).close('interrupted');
  truncateSync(join(folder, 'results.jsonl'), 9 * 300);
  expect(() => open(folder)).toThrow('`batchx repair`');
});
