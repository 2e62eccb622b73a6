import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runPipeline } from 'batchx';
import { expect, it } from 'vitest';
import { compact } from '../../src/journal/compact.js';
import { repairJob } from '../../src/journal/repair-job.js';
import { temporaryFolder } from '../contract/temp.js';

/** Each so many bytes of the end of a file are damaged; `BATCHX_EVERY=1` takes each of them. */
const EVERY = Number(process.env.BATCHX_EVERY ?? 23);

const rows = (count: number): string =>
  Array.from({ length: count }, (_, i) => `{"id":"${i % 4 === 3 ? 'x' : 'i'}${i}","of":[${i},${i + 100}]}\n`).join('');

/** A job that is done with some items, of which one in four fails, and then goes on with more. */
class Work {
  readonly folder = temporaryFolder();
  readonly job = join(this.folder, 'jobs/job');
  readonly #kept = join(this.folder, 'kept');

  async run(count: number, job: object = {}) {
    writeFileSync(join(this.folder, 'in.jsonl'), rows(count));
    const pipeline = {
      input: { jsonl: join(this.folder, 'in.jsonl'), id: 'data.id' },
      steps: [{ filter: '!data.id.startsWith("x") || nothing' }, { split: 'data.of' }, { map: 'data * 2' }],
      output: [{ jsonl: join(this.folder, 'out.jsonl') }],
      aggregate: [{ count: {} }],
    };
    const use = { name: 'job', root: join(this.folder, 'jobs'), durability: 'off', ...job } as const;
    return runPipeline(pipeline, { job: use });
  }

  /** All that is there, to begin from it anew. */
  keep(): void {
    mkdirSync(this.#kept);
    for (const name of ['jobs', 'out.jsonl'])
      cpSync(join(this.folder, name), join(this.#kept, name), { recursive: true });
  }

  back(): void {
    for (const name of ['jobs', 'out.jsonl']) {
      rmSync(join(this.folder, name), { recursive: true, force: true });
      cpSync(join(this.#kept, name), join(this.folder, name), { recursive: true });
    }
  }

  get out(): string {
    return readFileSync(join(this.folder, 'out.jsonl'), 'utf8');
  }

  /** The last link of the chain of its steps. */
  get last(): string {
    const [, chain = ''] = /"chain":\[([^\]]*)\]/.exec(readFileSync(join(this.job, 'journal.jsonl'), 'utf8')) ?? [];
    return (JSON.parse(`[${chain}]`) as string[]).at(-1) as string;
  }
}

/** Where the last `lines` lines of a file begin; of one without lines its last bytes. */
function tailOf(bytes: Buffer, lines: number): number {
  let at = bytes.length - 1;
  for (let left = lines; left > 0 && at > 0; left--) at = bytes.lastIndexOf(0x0a, at - 1);
  return Math.max(at + 1, bytes.length - 700);
}

it.each(['results.jsonl', 'snapshot', 'failed.jsonl', 'order'])(
  'a job goes on as it should, or says that it must be repaired, wherever the end of `%s` is cut or another',
  async (name) => {
    const work = new Work();
    await work.run(9);
    if (name === 'snapshot') compact(work.job, { last: work.last, check: () => undefined, results: true });
    expect(existsSync(join(work.job, name))).toBe(true);
    work.keep();
    const whole = new Work();
    const wanted = await whole.run(11);
    const bytes = readFileSync(join(work.job, name));
    const from = tailOf(bytes, 2);
    const found = { right: 0, repaired: 0 };
    const damages = Array.from({ length: Math.ceil((bytes.length - from) / EVERY) }, (_, i) => from + i * EVERY);
    for (const at of damages) {
      for (const how of ['cut', 'other']) {
        work.back();
        const other = Buffer.from(bytes);
        other[at] = (other[at] as number) ^ (1 << (at % 8));
        writeFileSync(join(work.job, name), how === 'cut' ? bytes.subarray(0, at) : other);
        // Some runs need all results again.
        if (at % 2 === 0) rmSync(join(work.folder, 'out.jsonl'));
        const where = `${how} at ${at} of ${bytes.length}`;
        let result: Awaited<ReturnType<Work['run']>> | { error: Error; aggregate?: unknown };
        result = await work.run(11).catch((error: unknown) => ({ error: error as Error }));
        if (result.error !== undefined) {
          expect(result.error.message, where).toContain('`batchx repair`');
          for (const lock of readdirSync(work.job).filter((each) => each.startsWith('lock.')))
            rmSync(join(work.job, lock));
          expect(repairJob(work.job, 'then'), where).toBeDefined();
          result = await work.run(11);
          found.repaired++;
        } else found.right++;
        expect(result.aggregate, where).toEqual(wanted.aggregate);
        expect(work.out.split('\n').sort(), where).toEqual(whole.out.split('\n').sort());
      }
    }
    expect(found.right + found.repaired).toBe(2 * damages.length);
    if (name === 'failed.jsonl' || name === 'order') expect(found.repaired).toBe(0);
  },
  600_000,
);
