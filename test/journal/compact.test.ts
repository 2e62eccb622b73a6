import { existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchxError } from 'batchx';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AppendFile } from '../../src/journal/append-file.js';
import { compact, compactAtEnd } from '../../src/journal/compact.js';
import { FLAG, STATE } from '../../src/journal/item-table.js';
import { RESULTS } from '../../src/journal/job-files.js';
import { peekJob } from '../../src/journal/peek-job.js';
import type { JournalRecord } from '../../src/journal/records.js';
import { type KeptLine, type ReadLine, ResultsFile } from '../../src/journal/results-file.js';
import { SNAPSHOT } from '../../src/journal/snapshot.js';
import { temporaryFolder } from '../contract/temp.js';
import {
  bytesOf,
  CHAIN,
  commitRecord,
  doneRecord,
  jobRecord,
  key,
  known,
  LAST,
  opened,
  openedWell,
  put,
  runRecord,
  told,
  write,
} from './journals.js';

const check = (): void => undefined;
const head = [jobRecord, runRecord()];
const number = fc.integer({ min: 1, max: 12 });
const chains = [CHAIN, ['cccccccccccccccc', 'dddddddddddddddd']];

/** Any record that a run may write of its items. */
const record: fc.Arbitrary<JournalRecord> = fc
  .oneof(
    { weight: 4, arbitrary: fc.record({ n: number, as: fc.constantFrom('ok', 'failed', 'in-doubt', 'skipped') }) },
    { weight: 2, arbitrary: fc.constant(commitRecord) },
    fc.array(number, { minLength: 1 }).map((items) => ({ t: 'start' as const, k: items.map(key) })),
    number.map((n) => ({ t: 'alone' as const, k: key(n) })),
    number.map((n) => ({ t: 'intent' as const, k: key(n), s: 'pay' })),
    number.map((n) => ({ t: 'step' as const, k: key(n), f: key(n + 500), s: 'cccccccccccccccc', r: n })),
    number.map((n) => ({ t: 'ready' as const, k: key(n), path: `out/${n}`, size: n, sha256: 'x' })),
    number.map((n) => ({ t: 'folder' as const, path: `out/${n}` })),
    number.map((n) => ({ t: 'processes' as const, mark: `p${n}` })),
    number.map((n) => ({ t: 'touched' as const, k: key(n), m: key(n + 700) })),
    number.map((n) => ({ t: 'emitted' as const, k: [key(n)] })),
    fc.nat(1).map((which) => ({ ...runRecord(2, chains[which], which + 1), mark: 'm' }) as JournalRecord),
    fc.constantFrom('complete' as const, 'halted' as const).map((how) => ({ t: 'end' as const, epoch: 1, how })),
  )
  .map((made) => ('as' in made && 'n' in made ? doneRecord(made.n, { as: made.as }) : made));

const everything = (folder: string, last = LAST): object => {
  const state = openedWell(folder, last);
  const { owners, folders, run, table } = state;
  const paths = Array.from({ length: 13 }, (_, n) => owners.get(`out/${n}`));
  return { ...told(state), paths, folders: [...folders], run, kilobytes: Math.round(table.bytes / 1024) };
};

it('says after a compaction all that was said before, whatever was written before and after it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { maxLength: 25 }),
      fc.array(record, { maxLength: 10 }),
      async (before, after) => {
        const [plain, compacted] = [temporaryFolder(), temporaryFolder()];
        const all = [...head, ...before, commitRecord];
        for (const folder of [plain, compacted]) {
          writeFileSync(join(folder, RESULTS), '');
          await write(folder, [...all, 'sync']);
        }
        const { n } = compact(compacted, { last: LAST, check, results: true });
        expect(n).toBe(all.length + 2);
        expect(bytesOf(compacted).length).toBeLessThan(200);
        await write(plain, after, all.length + 1);
        await write(compacted, after, n);
        const runs = (folder: string): unknown => {
          const peeked = peekJob(folder);
          peeked?.close();
          return peeked?.runs;
        };
        expect(runs(compacted)).toEqual(runs(plain));
        expect(everything(compacted)).toEqual(everything(plain));
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);

it('says of an item that other steps have done it, or may have, when those of the run are others than before', async () => {
  const folder = temporaryFolder();
  await write(folder, [...head, doneRecord(1), commitRecord, { t: 'start', k: [key(2)] }]);
  compact(folder, { last: LAST, check, results: false });
  const other = (last: string): boolean[] => {
    const { table } = openedWell(folder, last);
    return [0, 1].map((entry) => table.has(entry, FLAG.other));
  };
  expect(other(LAST)).toEqual([false, false]);
  expect(other('eeeeeeeeeeeeeeee')).toEqual([true, false]);
});

async function compactedJob(): Promise<{ folder: string; before: Buffer; said: object }> {
  const folder = temporaryFolder();
  const died: JournalRecord[] = [{ t: 'start', k: [key(5)] }, runRecord(2)];
  const outputs: JournalRecord = { t: 'commit', outputs: [['o', 1, 2]] };
  await write(folder, [...head, ...died, doneRecord(1), doneRecord(2), outputs, 'sync']);
  const before = bytesOf(folder);
  const said = everything(folder);
  compact(folder, { last: LAST, check, results: false });
  return { folder, before, said };
}

it('goes on where a compaction has died before the new journal was there, and adds to it what is read again', async () => {
  const { folder, before, said } = await compactedJob();
  put(folder, before);
  for (const name of [`${SNAPSHOT}.new`, 'journal.jsonl.new', 'failed.jsonl.new', 'results-7.jsonl'])
    writeFileSync(join(folder, name), 'half');
  expect(everything(folder)).toEqual(said);
  expect(readdirSync(folder).sort()).toEqual(['journal.jsonl', SNAPSHOT]);
  expect(bytesOf(folder).length).toBeLessThan(before.length);
  const last = Number(/"n":(\d+)/.exec(bytesOf(folder).toString())?.[1]);
  await write(folder, [doneRecord(3), commitRecord], last);
  expect(known(openedWell(folder), 3)?.state).toBe(STATE.ok);
});

it('has the older state where a compaction has died before its snapshot had its name', async () => {
  const { folder, before, said } = await compactedJob();
  const whole = readFileSync(join(folder, SNAPSHOT));
  const other = temporaryFolder();
  put(other, before);
  writeFileSync(join(other, `${SNAPSHOT}.new`), whole.subarray(0, whole.length / 2));
  expect(everything(other)).toEqual(said);
  expect(existsSync(join(other, SNAPSHOT))).toBe(false);
});

it('is as small after many compactions as after one', async () => {
  const { folder } = await compactedJob();
  const sizes = (): number[] => [bytesOf(folder).length, readFileSync(join(folder, SNAPSHOT)).length];
  const first = sizes();
  for (let turn = 0; turn < 5; turn++) compact(folder, { last: LAST, check, results: false });
  expect(sizes()).toEqual([expect.closeTo(first[0] as number, -1), expect.closeTo(first[1] as number, -1)]);
});

it('refuses a snapshot that is cut anywhere, or of which any byte is another, and one that is gone', async () => {
  const { folder } = await compactedJob();
  const path = join(folder, SNAPSHOT);
  const whole = readFileSync(path);
  const refused = (bytes: Uint8Array, what: string): void => {
    writeFileSync(path, bytes);
    const error = opened(folder) as BatchxError;
    expect(error, what).toBeInstanceOf(BatchxError);
    expect([error.code, error.message], what).toEqual(['locked', expect.stringContaining('`batchx repair`')]);
  };
  for (let at = 0; at < whole.length; at++) {
    const other = Buffer.from(whole);
    other[at] = (other[at] as number) ^ 4;
    refused(other, `byte ${at}`);
    if (at % 7 === 0) refused(whole.subarray(0, at), `cut at ${at}`);
  }
  refused(Buffer.concat([whole, Buffer.from('x')]), 'more');
  const gone = temporaryFolder();
  put(gone, bytesOf(folder));
  expect((opened(gone) as BatchxError).code).toBe('locked');
});

it('is not begun by a run that another one has taken the job from', async () => {
  const folder = temporaryFolder();
  await write(folder, [...head, doneRecord(1), commitRecord, 'sync']);
  const before = bytesOf(folder);
  const taken = (): void => {
    throw new BatchxError('locked', 'taken');
  };
  expect(() => compact(folder, { last: LAST, check: taken, results: true })).toThrow('taken');
  expect(bytesOf(folder).equals(before)).toBe(true);
  expect(existsSync(join(folder, SNAPSHOT))).toBe(false);
});

/** A file of results, and the records that say where its lines are. */
class Results {
  readonly #results: ResultsFile;
  readonly #file: AppendFile;
  readonly #last = new Map<number, number>();

  constructor(folder: string, name = RESULTS) {
    const path = join(folder, name);
    this.#file = new AppendFile(openSync(path, 'a+'), path, 'off');
    this.#results = new ResultsFile(this.#file);
  }

  add(n: number, f: string, more: Partial<KeptLine>, d: unknown): number {
    const q = this.#last.get(n) ?? -1;
    const line = { k: key(n), f, s: LAST, q, id: `"q":${n}`, ...more };
    const place = this.#results.add(line, undefined, JSON.stringify(d));
    this.#last.set(n, place);
    return place;
  }

  /** What is linked of an item, the newest first. */
  chain(place: number | undefined): ReadLine[] {
    const lines: ReadLine[] = [];
    for (let at = place ?? -1; at >= 0;) {
      const line = this.#results.read(at);
      lines.push(line);
      at = line.q;
    }
    return lines;
  }

  close(): void {
    this.#file.write();
    this.#file.close();
  }
}

it('leaves results out that are of no use any more when they are more than half, and finds the others', async () => {
  const folder = temporaryFolder();
  const results = new Results(folder);
  const records: JournalRecord[] = [];
  const filler = 'ä'.repeat(400);
  for (let turn = 0; turn < 3; turn++) {
    for (let n = 1; n <= 100; n++) {
      const f = key(n + 1000 + (turn < 2 ? turn : 1));
      const step = results.add(n, f, { s: 'cccccccccccccccc', a: 1 }, { turn });
      records.push({ t: 'step', k: key(n), f, s: 'cccccccccccccccc', r: step });
      results.add(n, f, {}, ['not committed', filler]);
      const r = results.add(n, f, turn === 2 ? {} : { e: { code: 'http', class: 'x', message: filler } }, { turn });
      records.push(doneRecord(n, { f, r }));
    }
  }
  results.close();
  await write(folder, [...head, ...records, commitRecord, 'sync']);
  const size = readFileSync(join(folder, RESULTS)).length;
  compactAtEnd(folder, 100_000, 100, { last: LAST, check, results: true });
  const name = readdirSync(folder).find((each) => each.startsWith('results')) as string;
  expect(readdirSync(folder).sort()).toEqual(['journal.jsonl', name, SNAPSHOT]);
  expect(name).toBe('results-1.jsonl');
  // What two steps of the same content have made, and the end.
  expect(readFileSync(join(folder, name)).length).toBeLessThan(size / 2);
  const state = openedWell(folder);
  const copied = new Results(folder, name);
  for (let n = 1; n <= 100; n++) {
    const lines = copied.chain(known(state, n)?.place);
    expect(lines.map(({ k, a, d, e, id }) => [k, a, (d as { turn: number }).turn, e, id])).toEqual([
      [key(n), undefined, 2, undefined, `"q":${n}`],
      [key(n), 1, 2, undefined, `"q":${n}`],
      [key(n), 1, 1, undefined, `"q":${n}`],
    ]);
  }
  copied.close();
});

it('keeps a file of results of which the most is of use', async () => {
  const folder = temporaryFolder();
  const results = new Results(folder);
  const records = Array.from({ length: 600 }, (_, i) => {
    const n = (i % 400) + 1;
    return doneRecord(n, { r: results.add(n, key(n + 1000), {}, 'x'.repeat(200)) });
  });
  results.close();
  await write(folder, [...head, ...records, commitRecord, 'sync']);
  compact(folder, { last: LAST, check, results: true });
  expect(readdirSync(folder).sort()).toEqual(['journal.jsonl', RESULTS, SNAPSHOT]);
});

const letter = (n: number, message: string): string =>
  `${JSON.stringify({ $batchx: 'failed', id: String(n), key: key(n), metadata: {}, error: { code: 'bug', message } })}\n`;

it('leaves the last letters of what is failed or in doubt, and what is no letter of an item that is known', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'failed.jsonl');
  writeFileSync(join(folder, RESULTS), '');
  await write(folder, [
    ...head,
    doneRecord(1),
    doneRecord(2, { as: 'failed' }),
    doneRecord(3, { as: 'in-doubt' }),
    commitRecord,
    'sync',
  ]);
  const kept = [letter(2, 'second ä'), 'what is this\n', letter(99, 'unknown'), letter(3, 'last')];
  writeFileSync(
    path,
    [letter(1, 'x'), letter(2, 'first'), letter(3, 'first'), ...kept, letter(2, 'x').slice(0, 9)].join(''),
  );
  compactAtEnd(folder, 100, 3, { last: LAST, check, results: true });
  expect(readFileSync(path, 'utf8')).toBe(kept.join(''));
  const before = readFileSync(path);
  compactAtEnd(folder, 100, 3, { last: LAST, check, results: true });
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(['failed.jsonl', 'journal.jsonl', RESULTS]);
});
