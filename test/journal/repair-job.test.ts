import { existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AppendFile } from '../../src/journal/append-file.js';
import { compact } from '../../src/journal/compact.js';
import { STATE } from '../../src/journal/item-table.js';
import { RESULTS } from '../../src/journal/job-files.js';
import type { JournalRecord } from '../../src/journal/records.js';
import { repairJob } from '../../src/journal/repair-job.js';
import { ResultsFile } from '../../src/journal/results-file.js';
import { temporaryFolder } from '../contract/temp.js';
import {
  bytesOf,
  commitRecord,
  doneRecord,
  jobRecord,
  key,
  known,
  LAST,
  openedWell,
  put,
  runRecord,
  write,
} from './journals.js';

const start = (...items: number[]): JournalRecord => ({ t: 'start', k: items.map(key) });

/** A job of ten items with their results; gives where the records and the results begin. */
async function job(
  more: readonly JournalRecord[] = [],
): Promise<{ folder: string; records: number[]; places: number[] }> {
  const folder = temporaryFolder();
  const path = join(folder, RESULTS);
  const file = new AppendFile(openSync(path, 'a+'), path, 'off');
  const results = new ResultsFile(file);
  const places = Array.from({ length: 10 }, (_, n) =>
    results.add({ k: key(n), f: key(n + 1000), s: LAST, q: -1, id: String(n) }, undefined, String(n)),
  );
  file.write();
  file.close();
  const ended = places.map((r, n) => doneRecord(n, { r }));
  const outputs: JournalRecord = { t: 'commit', outputs: [['out', 5, 6]] };
  const records = await write(folder, [
    jobRecord,
    runRecord(),
    start(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    ...ended,
    outputs,
    'sync',
    ...more,
    'sync',
  ]);
  return { folder, records, places };
}

function damage(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(path, bytes);
}

const states = (folder: string): unknown[] => Array.from({ length: 10 }, (_, n) => known(openedWell(folder), n)?.state);
const results = (folder: string): ResultsFile => {
  const name = readdirSync(folder).find((each) => /^results(-\d+)?\.jsonl$/.test(each)) as string;
  const path = join(folder, name);
  return new ResultsFile(new AppendFile(openSync(path, 'r'), path, 'off'));
};

it('finds nothing to repair in a job that is whole, also when its last record was being written', async () => {
  const { folder } = await job();
  const before = bytesOf(folder);
  expect(repairJob(folder, 'then')).toBeUndefined();
  expect(bytesOf(folder).equals(before)).toBe(true);
  put(folder, before.subarray(0, -5));
  expect(repairJob(folder, 'then')).toBeUndefined();
});

it('keeps all records that can be read, and what was damaged beside them', async () => {
  const { folder, records } = await job();
  damage(join(folder, 'journal.jsonl'), (records[5] as number) + 30);
  const damaged = bytesOf(folder);
  expect(repairJob(folder, 'then')).toMatchObject({
    lines: 1,
    bytes: (records[6] as number) - (records[5] as number),
    snapshot: undefined,
    results: 0,
    again: 0,
    inDoubt: 0,
    kept: ['journal.jsonl.damaged-1'],
  });
  expect(readFileSync(join(folder, 'journal.jsonl.damaged-1')).equals(damaged)).toBe(true);
  expect(states(folder)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => (n === 2 ? STATE.begun : STATE.ok)));
  // Outputs may have a line of it.
  expect(openedWell(folder).outputs.size).toBe(0);
  expect(repairJob(folder, 'then')).toBeUndefined();
  expect(openedWell(folder).job?.name).toBe('nightly');
});

it('keeps what can be read wherever a byte of the journal is another', async () => {
  const { folder } = await job([start(1), { t: 'intent', k: key(1), s: 'pay' }, runRecord(2)]);
  const whole = bytesOf(folder);
  for (let at = 0; at < whole.length; at += 7) {
    const other = temporaryFolder();
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] as number) ^ 2;
    put(other, bytes);
    writeFileSync(join(other, RESULTS), readFileSync(join(folder, RESULTS)));
    const repaired = repairJob(other, 'then');
    const done = states(other).filter((state) => state === STATE.ok).length;
    if (repaired !== undefined) expect(repaired.lines, `byte ${at}`).toBeLessThanOrEqual(2);
    // One that is lost itself, or two of which the line feed between is, and one that was begun again; or the commit, without which none of them counts.
    expect([0, 7, 8, 9]).toContain(done);
    expect(repairJob(other, 'then')).toBeUndefined();
  }
}, 60_000);

it('drops results that cannot be read, and no others', async () => {
  const { folder, places } = await job();
  damage(join(folder, RESULTS), (places[3] as number) + 20);
  expect(repairJob(folder, 'then')).toMatchObject({
    lines: 0,
    results: 1,
    again: 1,
    kept: ['results.jsonl.damaged-1'],
  });
  expect(states(folder)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => (n === 3 ? STATE.begun : STATE.ok)));
  const state = openedWell(folder);
  for (const n of [0, 2, 4, 9])
    expect(results(folder).read(known(state, n)?.place as number)).toMatchObject({ k: key(n), d: n });
  expect(known(state, 3)?.place).toBeUndefined();
});

it('leaves in doubt what was being done where the journal is damaged, if it must not be done twice', async () => {
  const { folder, records } = await job([
    runRecord(2),
    start(11, 12),
    { t: 'intent', k: key(11), s: 'pay' },
    { t: 'intent', k: key(12), s: 'pay' },
    doneRecord(11, { r: -1 }),
    commitRecord,
  ]);
  damage(join(folder, 'journal.jsonl'), (records.at(-3) as number) + 20);
  expect(repairJob(folder, 'then')).toMatchObject({ lines: 1, inDoubt: 1 });
  const state = openedWell(folder);
  const entry = [...state.intents.keys()].map((each) => state.table.keyOf(each));
  expect(entry).toEqual([key(12)]);
  expect([...state.intents.values()]).toEqual(['pay']);
});

it('goes on without a snapshot that cannot be read, but with what its first line says of calls in doubt', async () => {
  const { folder } = await job([{ t: 'intent', k: key(20), s: 'pay' }]);
  compact(folder, { last: LAST, check: () => undefined, results: false });
  const last = Number(/"n":(\d+)/.exec(bytesOf(folder).toString())?.[1]);
  await write(folder, [doneRecord(30, { r: -1 }), commitRecord, 'sync'], last);
  const path = join(folder, 'snapshot');
  damage(path, readFileSync(path).length - 5);
  expect(repairJob(folder, 'then')).toMatchObject({ snapshot: 11, found: 10, lines: 0, inDoubt: 1 });
  expect(existsSync(join(folder, 'snapshot.damaged-1'))).toBe(true);
  const state = openedWell(folder);
  // Its result tells how it ended.
  expect(known(state, 1)?.state).toBe(STATE.ok);
  expect(known(state, 30)?.state).toBe(STATE.ok);
  expect([...state.intents.values()]).toEqual(['pay']);
  damage(path, 3);
  expect(repairJob(folder, 'then')).toMatchObject({ snapshot: 'unknown', found: 10 });
  expect(openedWell(folder).table.size).toBe(10);
});
