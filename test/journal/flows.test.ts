import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BatchxError, defineStep, runPipeline } from 'batchx';
import { builtin } from '../../src/builtin.js';
import { defaultRuntime } from '../../src/core/runtime.js';
import { openPipeline } from '../../src/pipeline/file/open-pipeline.js';
import { type PlannedItem, planItems } from '../../src/pipeline/plan-items.js';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { temporaryFolder } from '../contract/temp.js';

type Row = Readonly<Record<string, unknown>>;

/** A job whose runs can die as a process does that is killed: what they had handed to the system is left, and nothing else. */
class Work {
  readonly folder = temporaryFolder();
  readonly #root = join(this.folder, 'jobs');
  readonly #left = join(this.folder, 'left');
  /** What the step `work` was called for, since the last time that somebody asked. */
  readonly calls: string[] = [];
  /** Whether the process dies at a call. */
  dies: (data: unknown) => boolean = () => false;
  /** Whether a call fails. */
  fails: (data: unknown) => boolean = () => false;
  /** How long a call takes, in milliseconds. */
  takes = 0;
  #died = false;

  rows(...rows: readonly Row[]): void {
    writeFileSync(join(this.folder, 'in.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }

  get out(): unknown[] {
    const text = readFileSync(join(this.folder, 'out.jsonl'), 'utf8');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as unknown]));
  }

  get failed(): Row[] {
    const text = readFileSync(join(this.#root, 'job/failed.jsonl'), 'utf8');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Row]));
  }

  /** Runs it to its end, or until it dies: then it gives `died`. */
  async run(steps: readonly object[], job: object = {}, more: object = {}) {
    this.#died = false;
    const result = await runPipeline(
      { ...this.#pipeline(steps), ...more },
      {
        registry: builtin.with(this.#step()),
        job: { name: 'job', durability: 'off', root: this.#root, ...job },
      },
    );
    if (!this.#died) return result;
    rmSync(this.#root, { recursive: true });
    cpSync(this.#left, this.#root, { recursive: true });
    return 'died';
  }

  #pipeline(steps: readonly object[]): object {
    return {
      input: { jsonl: join(this.folder, 'in.jsonl'), id: 'data.id' },
      steps,
      output: [{ jsonl: join(this.folder, 'out.jsonl') }],
    };
  }

  #step() {
    return defineStep({
      name: 'work',
      status: 'stable',
      summary: 'Does some work.',
      reachesOut: true,
      workers: 4,
      gives: 'data',
      options: z.strictObject({}),
      examples: [],
      create:
        () =>
        async ({ data }) => {
          if (this.dies(data)) this.#die();
          await (this.takes === 0 ? Promise.resolve() : sleep(this.takes));
          if (this.fails(data)) throw new BatchxError('exec', 'it failed', { class: 'permanent' });
          this.calls.push(JSON.stringify(data));
          return data;
        },
    });
  }

  #die(): never {
    if (!this.#died) {
      this.#died = true;
      rmSync(this.#left, { recursive: true, force: true });
      mkdirSync(this.#left);
      cpSync(this.#root, this.#left, { recursive: true });
      for (const name of readdirSync(join(this.#left, 'job')))
        if (name.startsWith('lock.')) rmSync(join(this.#left, 'job', name));
    }
    throw new BatchxError('bug', 'it has died', { class: 'fatal' });
  }

  /** What is told of the items that a run would read, without one. */
  async plan(steps: readonly object[], job: object = {}): Promise<PlannedItem[]> {
    const told: PlannedItem[] = [];
    const registry = builtin.with(this.#step());
    await planItems(await openPipeline(this.#pipeline(steps), {}, registry), {
      registry,
      runtime: defaultRuntime(),
      use: { name: 'job', root: this.#root, version: 'test', ...job },
      change: (plan) => plan,
      tell: (item) => told.push(item),
    });
    return told;
  }

  /** How often it dies until it comes to its end, and how that is. */
  async untilDone(steps: readonly object[], most = 30) {
    for (let deaths = 0; deaths < most; deaths++) {
      const result = await this.run(steps);
      if (result !== 'died') return { deaths, counts: result.counts };
    }
    throw new Error(`it still dies after ${most} times`);
  }
}

const parts = (id: string, ...of: unknown[]): Row => ({ id, parts: of });
const splits = [{ split: 'data.parts' }, { work: {} }];
const batches = [{ batch: { size: 3 } }, { work: {} }, { map: 'data.map(({ id, v }) => id + (v ?? ""))' }];
const ids = (...all: string[]): Row[] => all.map((id) => ({ id }));

it('finds the part at which the process dies, and sets it aside alone', async () => {
  const work = new Work();
  work.rows(parts('a', 1, 2), parts('b', 3, 'x', 4, 5), parts('c', 6));
  work.dies = (data) => data === 'x';
  const { deaths, counts } = await work.untilDone(splits);
  expect(deaths).toBe(5);
  expect(counts).toMatchObject({ read: 3, failed: 1 });
  expect(work.out.sort()).toEqual([1, 2, 3, 4, 5, 6]);
  expect(JSON.stringify(work.failed)).toContain('crashes-the-runner');
  expect(work.failed.map(({ id }) => id)).toEqual(['b']);
});

it('finds the item at which the process dies before it is split', async () => {
  const work = new Work();
  work.rows(parts('a', 1, 2), parts('b', 3, 4), parts('c', 6));
  work.dies = (data) => (data as Row).id === 'b';
  const { deaths, counts } = await work.untilDone([{ work: {} }, { split: 'data.parts' }]);
  expect(deaths).toBe(5);
  expect(counts).toMatchObject({ failed: 1 });
  expect(work.out.sort()).toEqual([1, 2, 6]);
});

it('finds the item of a batch at which the process dies, and sets no other one aside', async () => {
  const work = new Work();
  work.rows(...ids('a', 'b', 'c', 'd', 'e', 'f', 'g'));
  work.dies = (data) => JSON.stringify(data).includes('"e"');
  const { deaths, counts } = await work.untilDone(batches);
  expect(deaths).toBe(5);
  expect(counts).toMatchObject({ read: 7, failed: 1 });
  expect(work.out.flat().sort()).toEqual(['a', 'b', 'c', 'd', 'f', 'g']);
  expect(work.failed.map(({ id }) => id)).toEqual(['e']);
});

it('finds the part of a batch of parts at which the process dies', async () => {
  const work = new Work();
  work.rows(parts('a', 1, 2), parts('b', 3, 'x', 4, 5), parts('c', 6));
  work.dies = (data) => (data as unknown[]).includes('x');
  const { counts } = await work.untilDone([{ split: 'data.parts' }, { batch: { size: 2 } }, { work: {} }]);
  expect(counts).toMatchObject({ failed: 1 });
  expect(work.out.flat().sort()).toEqual([1, 2, 3, 4, 5, 6]);
});

it('sets nothing aside because runs are killed from outside, however often', async () => {
  for (const steps of [splits, batches]) {
    const work = new Work();
    const all = Array.from({ length: 12 }, (_, i) => i);
    work.rows(
      ...all.map((i) => (steps === splits ? parts(`i${i}`, 4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3) : { id: `i${i}` })),
    );
    let calls = 0;
    let kills = 0;
    // Each run dies at its third call, whatever that is for.
    work.dies = () => kills < 12 && calls++ % 3 === 2 && kills++ >= 0;
    const { counts } = await work.untilDone(steps, 40);
    expect(counts).toMatchObject({ read: 12, failed: 0 });
    expect(work.out.flat()).toHaveLength(steps === splits ? 48 : 12);
  }
});

it('goes on after kills from outside where what waits for others is in front of these', async () => {
  const work = new Work();
  const all = Array.from({ length: 8 }, (_, i) => i);
  work.rows(...all.map((i) => parts(`i${i}`, 3 * i, 3 * i + 1, 3 * i + 2)));
  work.takes = 10;
  const steps = [{ split: 'data.parts' }, { work: {} }, { batch: { size: 4 } }];
  // Parts of the second item are done with parts of the third, at which two runs die.
  let calls = 0;
  work.dies = () => [13, 15].includes(++calls);
  const { deaths, counts } = await work.untilDone(steps);
  expect(deaths).toBe(2);
  expect(counts).toMatchObject({ read: 8, failed: 0 });
  expect(work.out.flat()).toHaveLength(24);
  expect(new Set(work.out.flat()).size).toBe(24);
});

it('does those again that were made into one with an item that has changed or is gone', async () => {
  const work = new Work();
  const steps = [{ batch: { size: 2 } }, { map: 'data.map(({ id, v }) => id + (v ?? ""))' }];
  const out = async (...rows: Row[]): Promise<unknown> => {
    work.rows(...rows);
    const result = await work.run(steps, {}, { aggregate: [{ count: {} }] });
    if (result === 'died') throw new Error('it died');
    expect(result.aggregate).toEqual({ count: work.out.length });
    return [work.out, result.counts.ok];
  };
  expect(await out(...ids('a', 'b', 'c', 'd'))).toEqual([
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
    4,
  ]);
  expect(await out(...ids('a', 'b', 'c', 'd'))).toEqual([
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
    0,
  ]);
  // One behind another, and the first, which has the result.
  expect(await out({ id: 'a' }, { id: 'b', v: 2 }, ...ids('c', 'd'))).toEqual([
    [
      ['a', 'b2'],
      ['c', 'd'],
    ],
    2,
  ]);
  expect(await out({ id: 'a', v: 3 }, { id: 'b', v: 2 }, ...ids('c', 'd'))).toEqual([
    [
      ['a3', 'b2'],
      ['c', 'd'],
    ],
    2,
  ]);
  expect(await out({ id: 'a', v: 3 }, { id: 'b', v: 2 }, { id: 'd' })).toEqual([[['a3', 'b2'], ['d']], 1]);
  rmSync(join(work.folder, 'out.jsonl'));
  expect(await out({ id: 'd' }, { id: 'b', v: 2 }, { id: 'a', v: 3 })).toEqual([[['d'], ['a3', 'b2']], 0]);
});

it('calls nothing again for a batch whose result is shown again, and keeps what a part of a failed item has made', async () => {
  const work = new Work();
  work.rows(...ids('a', 'b', 'c'));
  await work.run([{ batch: { size: 2 } }, { work: {} }], {}, { aggregate: [{ count: {} }] });
  const calls = work.calls.length;
  const again = await work.run([{ batch: { size: 2 } }, { work: {} }], {}, { aggregate: [{ count: {} }] });
  expect(again).toMatchObject({ aggregate: { count: 2 } });
  expect(work.calls).toHaveLength(calls);

  const other = new Work();
  other.rows(parts('a', 1, 'x', 2), parts('b', 3));
  const steps = [{ split: 'data.parts' }, { filter: 'data !== "x" || nothing' }, { work: {} }];
  for (let times = 0; times < 3; times++) {
    expect(await other.run(steps)).toMatchObject({ counts: { failed: 1 } });
    expect(other.out.sort()).toEqual([1, 2, 3]);
    expect(other.calls).toHaveLength(3);
  }
  expect(other.failed.map(({ id }) => id)).toEqual(['a']);
});

it('leaves a part that must not be done twice in doubt, and does it again when it is told to', async () => {
  const work = new Work();
  work.rows(parts('a', 1, 2), parts('b', 3));
  const once = [{ split: 'data.parts' }, { work: {}, effect: 'once' }];
  work.dies = (data) => data === 2;
  expect(await work.run(once)).toBe('died');
  work.dies = () => false;
  const before = work.calls.length;
  // Those that were begun beside it have no outcome, either.
  const next = await work.run(once);
  expect(next).toMatchObject({ counts: { read: 2, failed: 0 } });
  const counts = next === 'died' ? undefined : next.counts;
  expect((counts?.inDoubt ?? 0) > 0).toBe(true);
  expect(work.calls.slice(before)).not.toContain('2');
  expect(work.out).not.toContain(2);
  expect(await work.run(once)).toMatchObject({ counts: { inDoubt: counts?.inDoubt } });
  expect(await work.run(once, { retry: 'in-doubt' })).toMatchObject({ counts: { inDoubt: 0, failed: 0 } });
  expect(work.out.sort()).toEqual([1, 2, 3]);
  expect(work.calls.filter((call) => call === '2')).toHaveLength(1);
});

it('does just those parts again that failed, and has their letter no more then', async () => {
  const work = new Work();
  work.rows(parts('a', 1, 2, 3), parts('b', 4, 5));
  let fails: readonly unknown[] = [2, 5];
  work.fails = (data) => fails.includes(data);
  expect(await work.run(splits)).toMatchObject({ counts: { failed: 2 } });
  expect(work.failed.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(work.calls.sort()).toEqual(['1', '3', '4']);
  fails = [5];
  expect(await work.run(splits, { retry: 'failed' })).toMatchObject({ counts: { ok: 1, failed: 1 } });
  expect(work.failed.map(({ id }) => id)).toEqual(['b']);
  fails = [];
  expect(await work.run(splits, { retry: 'failed' })).toMatchObject({ counts: { ok: 1, failed: 0, skipped: 1 } });
  expect(work.failed).toEqual([]);
  expect(work.calls.sort()).toEqual(['1', '2', '3', '4', '5']);
  expect(work.out.sort()).toEqual([1, 2, 3, 4, 5]);
});

it('has failed what a failed part is of where results are shown at once, too', async () => {
  for (const steps of [splits, [...splits, { batch: { size: 2 } }]]) {
    const work = new Work();
    const shown = { output: [{ jsonl: '/dev/null' }] };
    work.rows(parts('a', 1, 2), parts('b', 3, 4));
    work.fails = (data) => data === 2;
    expect(await work.run(steps, {}, shown)).toMatchObject({ counts: { ok: 1, failed: 1 } });
    expect(work.failed.map(({ id }) => id)).toEqual(['a']);
    work.fails = () => false;
    expect(await work.run(steps, { retry: 'failed' }, shown)).toMatchObject({ counts: { ok: 1, failed: 0 } });
    expect(work.failed).toEqual([]);
    expect(work.calls.sort()).toEqual(['1', '2', '3', '4']);
  }
});

it('tells of items that are split as a run would find them', async () => {
  const work = new Work();
  const steps = [...splits, { batch: { size: 2 } }];
  const told = async (job?: object) => (await work.plan(steps, job)).map(({ id, state, runs }) => [id, state, runs]);
  work.rows(parts('a', 1, 2), parts('b', 3, 4));
  work.fails = (data) => data === 2;
  await work.run(steps);
  expect(await told()).toEqual([
    ['a', 'failed', false],
    ['b', 'done', false],
  ]);
  expect(await told({ retry: 'failed' })).toEqual([
    ['a', 'failed', true],
    ['b', 'done', false],
  ]);
  work.fails = () => false;
  await work.run(steps, { retry: 'failed' });
  expect(await told()).toEqual([
    ['a', 'done', false],
    ['b', 'done', false],
  ]);
});

it('knows duplicates of what earlier runs have done, and whether they still are some', async () => {
  const rows = (...items: readonly (readonly [string, number])[]): Row[] => items.map(([id, k]) => ({ id, k }));
  const steps = [{ dedupe: { by: 'data.k' } }, { work: {} }, { map: 'data.id' }];
  for (const more of [{}, { aggregate: [{ count: {} }] }]) {
    const work = new Work();
    const said = async (...items: readonly (readonly [string, number])[]): Promise<unknown[]> => {
      work.rows(...rows(...items));
      await work.run(steps, {}, more);
      return [work.out, work.calls.splice(0).map((call) => (JSON.parse(call) as Row).id)].map((ids) => ids.sort());
    };
    expect(await said(['a', 1], ['b', 2], ['B', 2])).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    // One that was done comes first.
    expect(await said(['a', 1], ['b', 2], ['B', 2], ['A', 1], ['c', 3])).toEqual([['a', 'b', 'c'], ['c']]);
    expect(await said(['a', 1], ['b', 2], ['B', 2], ['A', 1], ['c', 3])).toEqual([['a', 'b', 'c'], []]);
    // One that is new is in front of it, and one is gone of which another was a duplicate.
    expect(await said(['n', 3], ['b', 2], ['B', 2], ['A', 1], ['c', 3])).toEqual([
      ['A', 'b', 'n'],
      ['A', 'n'],
    ]);
  }
});
