import { BatchxError } from 'batchx';
import { expect, it } from 'vitest';
import { FLAG, STATE } from '../../src/journal/item-table.js';
import type { JournalState } from '../../src/journal/load-journal.js';
import type { JournalRecord } from '../../src/journal/records.js';
import { bootId } from '../../src/journal/process-life.js';
import { temporaryFolder } from '../contract/temp.js';
import {
  bytesOf,
  commitRecord,
  doneRecord,
  jobRecord,
  key,
  known,
  opened,
  openedWell,
  put,
  runRecord,
  told,
  write,
} from './journals.js';

const start = (...items: number[]): JournalRecord => ({ t: 'start', k: items.map(key) });
const head = [jobRecord, runRecord()];

it('says after a round trip what was written, of every kind of record', async () => {
  const folder = temporaryFolder();
  await write(folder, [
    ...head,
    start(1, 2, 3, 4, 5, 6),
    doneRecord(1),
    doneRecord(2, { as: 'failed', r: 2 ** 33 }),
    doneRecord(3, { as: 'in-doubt', r: -1 }),
    doneRecord(4, { as: 'skipped', m: key(77), w: 1 }),
    doneRecord(5, { as: 'deferred' }),
    { t: 'commit', outputs: [['out.jsonl', 10, 77]] },
    'sync',
    { t: 'step', k: key(6), f: key(1006), s: 'cccccccccccccccc', r: 5 },
    { t: 'intent', k: key(7), s: 'http' },
    { t: 'folder', path: 'out' },
    { t: 'emitted', k: [key(1)] },
    { t: 'end', epoch: 1, how: 'halted' },
  ]);
  const state = openedWell(folder);
  const places = [1, 2, 3, 4, 5, 6, 7].map((n) => [known(state, n)?.state, known(state, n)?.place]);
  expect(places).toEqual([
    [STATE.ok, 300],
    [STATE.failed, 2 ** 33],
    [STATE.inDoubt, undefined],
    [STATE.skipped, 1200],
    [STATE.deferred, 1500],
    [STATE.begun, 5],
    [STATE.begun, undefined],
  ]);
  expect([1, 2, 4, 6].map((n) => known(state, n)?.same)).toEqual([true, true, false, true]);
  expect([state.end, state.job?.name, state.run?.epoch]).toEqual(['halted', 'nightly', 1]);
  expect([...state.outputs.values()]).toEqual([['out.jsonl', 10, 77]]);
  expect([...state.intents.values()]).toEqual(['http']);
  expect(state.table.has(0, FLAG.emitted)).toBe(true);
  expect(state.table.has(3, FLAG.files)).toBe(true);
});

it('counts nothing as done that no commit follows, also when a later run commits', async () => {
  const folder = temporaryFolder();
  await write(folder, [...head, doneRecord(1), commitRecord, doneRecord(2)]);
  expect(known(openedWell(folder), 2)?.state).toBe(STATE.begun);
  await write(folder, [runRecord(2), doneRecord(3), commitRecord], 5);
  const state = openedWell(folder);
  expect([1, 2, 3].map((n) => known(state, n)?.state)).toEqual([STATE.ok, STATE.begun, STATE.ok]);
  expect(known(state, 2)?.place).toBeUndefined();
});

it('knows that an item which had ended was begun again, and that a call may have been done for it', async () => {
  const folder = temporaryFolder();
  const other = { f: key(9), s: 'cccccccccccccccc', r: 5 };
  await write(folder, [
    ...head,
    doneRecord(1),
    doneRecord(2, { as: 'failed' }),
    commitRecord,
    { t: 'step', k: key(1), ...other },
    { t: 'intent', k: key(2), s: 'pay' },
  ]);
  const state = openedWell(folder);
  expect([1, 2].map((n) => known(state, n)?.state)).toEqual([STATE.again, STATE.again]);
  expect([...state.intents]).toEqual([[1, 'pay']]);
  await write(folder, [doneRecord(2), commitRecord], 7);
  expect(openedWell(folder).intents.size).toBe(0);
});

it('counts the deaths of runs for what was being run, and alone ones of the same start of the system', async () => {
  const folder = temporaryFolder();
  const alone = { t: 'alone', k: key(2) } as const;
  await write(folder, [...head, start(1, 2), doneRecord(1), commitRecord]);
  const deaths = (): number[] => [0, 1].map((entry) => openedWell(folder).table.deaths(entry));
  expect(deaths()).toEqual([0, 1]);
  await write(folder, [{ ...runRecord(2), boot: bootId() } as JournalRecord, alone, start(2)], 5);
  expect(deaths()).toEqual([0, 0x12]);
  await write(folder, [{ t: 'end', epoch: 2, how: 'complete' }], 8);
  expect(deaths()).toEqual([0, 1]);
  // What has ended since is suspect no more.
  await write(folder, [runRecord(3), doneRecord(2), commitRecord], 9);
  expect(deaths()).toEqual([0, 0]);
});

it('marks what other steps have done, and what the same have done in whatever run not', async () => {
  const folder = temporaryFolder();
  await write(folder, [
    ...head,
    doneRecord(1),
    commitRecord,
    runRecord(2, ['cccccccccccccccc', 'dddddddddddddddd'], 2),
    doneRecord(2, { p: 2 }),
    commitRecord,
  ]);
  const other = (last?: string): boolean[] => {
    const { table } = openedWell(folder, last);
    return [0, 1].map((entry) => table.has(entry, FLAG.other));
  };
  expect(other()).toEqual([false, true]);
  expect(other('dddddddddddddddd')).toEqual([true, false]);
  expect(other('eeeeeeeeeeeeeeee')).toEqual([true, true]);
});

it('refuses a journal of a newer format, and says which version wrote it', async () => {
  const folder = temporaryFolder();
  await write(folder, [{ ...jobRecord, v: 99, batchx: '9.9.9' }, runRecord()]);
  const error = opened(folder) as BatchxError;
  expect([error.code, error.message]).toEqual(['locked', expect.stringMatching(/format 99.*batchx 9\.9\.9/)]);
});

it('refuses a journal in which numbers are missing, be it at its beginning or at its end', async () => {
  const folder = temporaryFolder();
  const [, second, third, fourth] = await write(folder, [...head, doneRecord(1), commitRecord, doneRecord(2)]);
  const whole = bytesOf(folder);
  const without = (from: number | undefined, to: number | undefined): void => {
    put(folder, Buffer.concat([whole.subarray(0, from), whole.subarray(to)]));
    expectRefused(opened(folder));
  };
  without(0, second);
  without(second, third);
  without(third, fourth);
});

function expectRefused(found: JournalState | BatchxError): void {
  expect(found).toBeInstanceOf(BatchxError);
  const { code, message } = found as BatchxError;
  expect([code, message]).toEqual(['locked', expect.stringContaining('`batchx repair`')]);
}

/** A journal whose last three records are of all the kinds that a commit ends with, and one that a start comes behind. */
const endings: readonly (readonly [string, readonly (JournalRecord | 'sync')[]])[] = [
  ['a commit that was synced', [doneRecord(9), { t: 'commit', outputs: [['o', 1, 2]] }, 'sync']],
  ['a commit and what began after it', [doneRecord(9), commitRecord, 'sync', start(11)]],
  ['what began before a commit', ['sync', start(11), doneRecord(9), commitRecord]],
  ['a call that must not be done twice', [doneRecord(9), commitRecord, { t: 'intent', k: key(12), s: 'pay' }, 'sync']],
];
const before = [...head, start(1, 2, 9), doneRecord(1), doneRecord(2), commitRecord, 'sync', runRecord(2)] as const;

/** Where the last three records begin. */
function lastThree(bytes: Buffer): number {
  let at = bytes.length;
  for (let i = 0; i < 3; i++) at = bytes.lastIndexOf('\n', at - 2) + 1;
  return at;
}

it.each(endings)('opens right after a death at every byte of the last three records: %s', async (_, end) => {
  const folder = temporaryFolder();
  await write(folder, [...before, ...end]);
  const bytes = bytesOf(folder);
  for (let cut = lastThree(bytes); cut <= bytes.length; cut++) {
    put(folder, bytes.subarray(0, cut));
    const state = openedWell(folder);
    const whole = bytes.lastIndexOf('\n', cut - 1) + 1;
    expect(bytesOf(folder).length, `cut at ${cut}`).toBe(whole);
    const text = bytes.toString('latin1', 0, whole);
    const committed = text.includes('"t":"commit"', text.indexOf(`"k":"${key(9)}","f"`));
    expect([1, 2].map((n) => known(state, n)?.state)).toEqual([STATE.ok, STATE.ok]);
    expect(known(state, 9)?.state).toBe(committed && text.includes(`"k":"${key(9)}","f"`) ? STATE.ok : STATE.begun);
    expect(state.intents.size).toBe(text.includes('"t":"intent"') ? 1 : 0);
    // What is added behind it is read again.
    const records = text.split('\n').length - 1;
    await write(folder, [runRecord(3), doneRecord(13), commitRecord], records);
    expect(known(openedWell(folder), 13)?.state, `cut at ${cut}`).toBe(STATE.ok);
  }
});

it.each(endings)(
  'opens right or refuses when a bit of the last three records is another: %s',
  async (_, end) => {
    const folder = temporaryFolder();
    await write(folder, [...before, ...end]);
    const bytes = bytesOf(folder);
    const right = told(openedWell(folder));
    const synced = end.indexOf('sync');
    const first = lastThree(bytes);
    for (let at = first; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const other = Buffer.from(bytes);
        other[at] = (other[at] as number) ^ (1 << bit);
        put(folder, other);
        const state = opened(folder);
        if (state instanceof BatchxError) {
          expectRefused(state);
          continue;
        }
        const where = `byte ${at - first}, bit ${bit}`;
        expect(
          [1, 2].map((n) => known(state, n)),
          where,
        ).toEqual([1, 2].map((n) => ({ state: STATE.ok, place: n * 300, same: true })));
        const nine = known(state, 9);
        if (nine?.state === STATE.ok) expect(nine, where).toEqual({ state: STATE.ok, place: 2700, same: true });
        // What was said to be on the disk is there, or nothing is opened.
        else expect(synced >= 0 && synced > end.indexOf(commitRecord), where).toBe(false);
        if (end.some((record) => record !== 'sync' && record.t === 'intent')) expect(state.intents.size, where).toBe(1);
        expect(state.table.size, where).toBeLessThanOrEqual((right as { items: unknown[] }).items.length);
      }
    }
  },
  60_000,
);

it('refuses damage in the middle, at every byte, whatever comes behind it', async () => {
  const folder = temporaryFolder();
  await write(folder, [...before, doneRecord(3), commitRecord, 'sync']);
  const bytes = bytesOf(folder);
  const end = lastThree(bytes);
  for (let at = 0; at < end; at++) {
    const other = Buffer.from(bytes);
    other[at] = (other[at] as number) ^ 1;
    put(folder, other);
    expectRefused(opened(folder));
    expect(bytesOf(folder).equals(other), 'nothing is cut off').toBe(true);
  }
});

it('refuses what was damaged before a run that had read it, also where nothing is synced', async () => {
  const folder = temporaryFolder();
  const [, , third] = await write(folder, [...head, doneRecord(1), commitRecord, runRecord(2), start(4)]);
  const bytes = bytesOf(folder);
  bytes[(third as number) + 20] = 0x58;
  put(folder, bytes);
  expectRefused(opened(folder));
});
