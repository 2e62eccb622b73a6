import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { builtin } from '../../src/builtin.js';
import { defineSink, defineStep } from '../../src/core/define.js';
import { BatchxError } from '../../src/core/errors.js';
import type { Item } from '../../src/core/item.js';
import type { Slot } from '../../src/core/slot.js';
import { type HaltRule, toHaltRules } from '../../src/pipeline/halt-rule.js';
import type { Plan } from '../../src/pipeline/plan.js';
import { run } from '../../src/pipeline/run.js';
import type { RunResult } from '../../src/pipeline/run-result.js';
import { type FakeRuntime, fakeRuntime } from '../../src/testing.js';
import { turns } from '../../src/testing/turns.js';

type End = 'ok' | 'fail' | 'skip';

/** Calls whose ends the test decides. */
class Calls {
  readonly begun: number[] = [];
  readonly aborted: number[] = [];
  readonly running = new Map<number, (end: End) => void>();

  readonly step = (item: Item, slot: Slot): Promise<unknown> => {
    const n = item.data as number;
    this.begun.push(n);
    slot.signal.addEventListener('abort', () => this.aborted.push(n));
    return new Promise((resolve, reject) => {
      this.running.set(n, (end) => {
        this.running.delete(n);
        if (end === 'fail') reject(new Error(`${n} failed`));
        else resolve(end === 'ok' ? n : undefined);
      });
    });
  };

  async end(n: number, end: End): Promise<void> {
    this.running.get(n)?.(end);
    await turns(2);
  }
}

const call = (run: (item: Item, slot: Slot) => unknown) =>
  builtin.with(
    defineStep({
      name: 'call',
      status: 'stable',
      summary: 'Calls.',
      gives: 'data',
      options: z.strictObject({}),
      examples: [],
      create: () => run,
    }),
  );

const numbers = (count: number): unknown[] => Array.from({ length: count }, (_, n) => n);

const plan = (count: number, halt: string, parts: Partial<Plan> = {}): Plan => ({
  name: 'test',
  sources: [{ name: 'literals', options: { values: numbers(count) } }],
  steps: [{ name: 'call', options: {} }],
  ordered: false,
  halt: toHaltRules(halt),
  total: count,
  sinks: [{ name: 'jsonl', options: { path: '-' } }],
  ...parts,
});

function begin(parts: Plan, runtime: FakeRuntime = fakeRuntime()) {
  const calls = new Calls();
  return { calls, runtime, running: run(parts, { registry: call(calls.step), runtime }) };
}

/** Runs calls that end at once, as `ends` says. */
function at(ends: readonly End[], halt: string, parts: Partial<Plan> = {}) {
  const runtime = fakeRuntime();
  const registry = call(({ data }) => {
    const end = ends[data as number];
    if (end === 'fail') throw new Error('failed');
    return end === 'ok' ? data : undefined;
  });
  const running = run(plan(ends.length, halt, parts), { registry, runtime });
  return running.then((result) => ({ ...result, stdout: runtime.stdout }));
}

const adds = ({ counts: { read, ok, failed, skipped, inDoubt, pending } }: RunResult): void =>
  expect(read).toBe(ok + failed + skipped + inDoubt + pending);

describe('soon', () => {
  it('starts nothing more, and what runs ends and is written', async () => {
    const { calls, runtime, running } = begin(plan(200, 'soon,fail=2', { concurrency: 3 }));
    await turns(2);
    await calls.end(0, 'fail');
    await calls.end(1, 'ok');
    await calls.end(2, 'fail');
    expect(calls.begun).toEqual([0, 1, 2, 3, 4]);
    await calls.end(4, 'ok');
    await calls.end(3, 'fail');
    const result = await running;
    expect(calls.begun).toEqual([0, 1, 2, 3, 4]);
    expect(calls.aborted).toEqual([]);
    expect(runtime.stdout).toBe('1\n4\n');
    expect(result.halted).toMatchObject({ rule: { said: 'soon,fail=2' }, counted: 2, finished: 3 });
    expect(result.counts).toMatchObject({ ok: 2, failed: 3, pending: result.counts.read - 5 });
    expect(result.counts.read).toBeLessThan(200);
  });

  it('counts calls as they end, not as their turn comes, when order is kept', async () => {
    const { calls, runtime, running } = begin(plan(200, 'soon,fail=1', { concurrency: 3, ordered: true }));
    await turns(2);
    await calls.end(1, 'fail');
    await calls.end(2, 'ok');
    await calls.end(0, 'ok');
    expect(calls.begun).toEqual([0, 1, 2]);
    expect((await running).counts).toMatchObject({ ok: 2, failed: 1 });
    expect(runtime.stdout).toBe('0\n2\n');
  });

  it('reaches steps by their runtime, which any number of calls may listen to', async () => {
    let stopping: AbortSignal | undefined;
    const registry = builtin.with(
      defineStep({
        name: 'call',
        status: 'stable',
        summary: 'Calls.',
        gives: 'data',
        options: z.strictObject({}),
        examples: [],
        create: (_, runtime) => () => {
          ({ stopping } = runtime);
          throw new Error('failed');
        },
      }),
    );
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    await run(plan(3, 'soon,fail=1'), { registry, runtime: fakeRuntime() });
    for (let n = 0; n < 20; n++) stopping?.addEventListener('abort', () => n);
    await turns(2);
    process.off('warning', warned);
    expect([stopping?.aborted, warnings]).toEqual([true, []]);
  });

  it('can become now', async () => {
    const { calls, running } = begin(plan(9, 'soon,fail=1,now,fail=2', { concurrency: 4 }));
    await turns(2);
    await calls.end(0, 'fail');
    expect(calls.aborted).toEqual([]);
    await calls.end(1, 'fail');
    const { halted, counts } = await running;
    expect(calls.aborted).toEqual([2, 3]);
    expect(halted?.rule?.said).toBe('now,fail=2');
    expect(counts).toMatchObject({ failed: 2, pending: counts.read - 2 });
  });
});

describe('now', () => {
  it.each([true, false])('gives up what runs, and writes what is done, with order kept: %j', async (ordered) => {
    const { calls, runtime, running } = begin(plan(200, 'now,fail=1', { concurrency: 4, ordered }));
    await turns(2);
    await calls.end(1, 'ok');
    await calls.end(2, 'fail');
    const result = await running;
    expect(calls.aborted).toEqual([0, 3, 4]);
    expect(runtime.stdout).toBe('1\n');
    expect(result.counts).toMatchObject({ ok: 1, failed: 1, pending: result.counts.read - 2 });
    // Too late: it is pending by then.
    await calls.end(0, 'fail');
    expect(runtime.counts).toEqual(result.counts);
    adds(result);
  });

  it('counts in turn where rows go out in order: those before are waited for', async () => {
    const parts = plan(200, 'now,fail=1', { concurrency: 3, ordered: true, haltInTurn: true });
    const { calls, runtime, running } = begin(parts);
    await turns(2);
    await calls.end(1, 'fail');
    await calls.end(2, 'ok');
    await calls.end(0, 'ok');
    expect((await running).counts).toMatchObject({ ok: 1, failed: 1 });
    expect(runtime.stdout).toBe('0\n');
  });

  it('waits for what the calls leave behind', async () => {
    const runtime = fakeRuntime();
    let gone = (): void => undefined;
    const registry = call(({ data }, slot) => {
      if (data === 1) return Promise.reject(new Error('no'));
      slot.signal.addEventListener('abort', () => runtime.cleanup.add(new Promise<void>((end) => (gone = end))));
      return new Promise(() => undefined);
    });
    let over = false;
    const running = run(plan(2, 'now,fail=1'), { registry, runtime }).then(() => (over = true));
    await turns(5);
    expect(over).toBe(false);
    gone();
    await running;
  });
});

describe('a rule', () => {
  const mostly = (fails: readonly number[], count: number): End[] =>
    Array.from({ length: count }, (_, n) => (fails.includes(n) ? 'fail' : 'ok'));

  it('for a share counts from ten items on', async () => {
    expect((await at(mostly([0, 1, 2], 9), 'now,fail=30%')).halted).toBeUndefined();
    const { halted, counts } = await at(mostly([0, 1, 2], 20), 'now,fail=30%');
    expect(halted).toMatchObject({ counted: 3, finished: 10 });
    expect(counts).toMatchObject({ read: 10, ok: 7, failed: 3 });
    expect((await at(mostly([5, 11], 20), 'now,fail=20%')).halted).toBeUndefined();
    expect((await at(mostly([5, 9, 14], 20), 'now,fail=20%')).counts.read).toBe(10);
  });

  it('for successes counts no item that is passed over', async () => {
    const ends: End[] = ['skip', 'fail', 'skip', 'ok', 'ok'];
    const { counts, stdout } = await at(ends, 'now,success=1');
    expect(counts).toMatchObject({ read: 4, ok: 1, failed: 1, skipped: 2 });
    expect(stdout).toBe('3\n');
  });

  it('for all that is done counts each, and a share of it needs their number', async () => {
    const ends: End[] = ['skip', 'fail', 'ok', 'ok', 'ok'];
    expect((await at(ends, 'now,done=3')).counts.read).toBe(3);
    expect((await at(ends, 'now,done=50%')).counts.read).toBe(3);
    const lines = [{ name: 'lines', options: { path: '-' } }];
    await expect(at(ends, 'now,done=50%', { sources: lines, total: undefined })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('say a number, as in now,done=100') as string,
    });
  });

  it('needs no step', async () => {
    expect((await at(mostly([], 5), 'now,done=2', { steps: [] })).counts).toMatchObject({ read: 2, ok: 2 });
  });

  it('that is not met ends nothing', async () => {
    const { halted, counts } = await at(mostly([1, 2], 5), 'now,fail=3');
    expect({ halted, counts }).toMatchObject({ halted: undefined, counts: { read: 5, ok: 3, failed: 2 } });
  });

  it('that is met by the last item is met', async () => {
    expect((await at(mostly([4], 5), 'soon,fail=1')).halted).toBeDefined();
  });

  it.each(['soon', 'now'])('%s counts what only a sink finds out, once, whatever sinks follow', async (when) => {
    const big = (n: number) => (n % 2 === 0 ? BigInt(n) : n);
    const registry = call(({ data }) => {
      if (data === 1) throw new Error('failed');
      return big(data as number);
    });
    // What fails before the sink and at the sink: 0 1 2 4 6, in blocks of 512 rows.
    const ends = async (rule: string) => {
      const failures = defineSink({
        name: 'see',
        status: 'stable',
        summary: 'Sees.',
        takes: 'failed',
        options: z.strictObject({}),
        examples: [],
        open: () => ({ write: () => undefined, close: () => undefined }),
      });
      const sinks = [...plan(0, 'never').sinks, { name: 'see', options: {} }];
      const result = await run(plan(2000, rule, { sinks }), {
        registry: registry.with(failures),
        runtime: fakeRuntime(),
      });
      adds(result);
      return result;
    };
    const { halted, counts } = await ends(`${when},fail=5`);
    expect(halted).toMatchObject({ counted: 5 });
    expect(counts.read).toBeLessThan(2000);
    expect(counts.failed).toBeGreaterThanOrEqual(5);
    expect((await ends(`${when},fail=1001`)).counts).toMatchObject({ failed: 1001 });
    expect((await ends(`${when},fail=1002`)).halted).toBeUndefined();
  });
});

describe('what fails at the sink', () => {
  it('is no success any more when the next one is counted', async () => {
    const calls = new Calls();
    const step = (item: Item, slot: Slot): unknown => (item.data === 0 ? 0n : calls.step(item, slot));
    const running = run(plan(9, 'soon,success=2', { concurrency: 1 }), {
      registry: call(step),
      runtime: fakeRuntime(),
    });
    await turns(2);
    await calls.end(1, 'ok');
    await calls.end(2, 'ok');
    expect(calls.begun).toEqual([1, 2]);
    expect((await running).counts).toMatchObject({ ok: 2, failed: 1 });
  });

  it('lets nothing out behind it where items are counted in turn', async () => {
    const runtime = fakeRuntime();
    const step = ({ data }: Item): unknown => [0n, new Promise(() => undefined), 2][data as number];
    const parts = plan(3, 'now,fail=1', { ordered: true, haltInTurn: true });
    expect((await run(parts, { registry: call(step), runtime })).counts).toMatchObject({ failed: 1, pending: 2 });
    expect(runtime.stdout).toBe('');
  });
});

describe('calls that are given up', () => {
  /** Two stages, of each of which a call runs: what has effects once is in doubt, and the other stays as it was. */
  const two = async (effects: readonly ['once' | 'writes', 'once' | 'writes'], ordered = false) => {
    const effect = (at: 0 | 1): Partial<Plan['steps'][number]> => ({
      policies: { effect: effects[at] },
      concurrency: 2,
    });
    const steps = [
      { name: 'call', options: {}, ...effect(0), label: 'one' },
      { name: 'call', options: {}, ...effect(1), label: 'two' },
    ];
    const sinks = [{ name: 'failed', options: { path: '-' } }];
    const given = begin(plan(4, 'now,fail=1', { steps, ordered, sinks }));
    await turns(2);
    await given.calls.end(0, 'ok');
    await turns(2);
    return given;
  };

  it.each([
    [['once', 'once'], false, { inDoubt: 3, pending: 1 }],
    [['once', 'once'], true, { inDoubt: 3, pending: 1 }],
    [['once', 'writes'], false, { inDoubt: 2, pending: 2 }],
    [['writes', 'once'], false, { inDoubt: 1, pending: 3 }],
    [['writes', 'writes'], false, { inDoubt: 0, pending: 4 }],
  ] as const)(
    'by an abort are in doubt where they may not be made twice: %j, ordered: %s',
    async (effects, ordered, counts) => {
      const { runtime, running, calls } = await two(effects, ordered);
      expect(calls.begun).toEqual([0, 1, 0, 2]);
      runtime.abort();
      expect((await running).counts).toMatchObject({ read: 4, ok: 0, failed: 0, ...counts });
      expect(runtime.stdout.split('\n').filter((line) => line.includes('"outcome":"in-doubt"'))).toHaveLength(
        counts.inDoubt,
      );
    },
  );

  it('by a rule are, too, beside the one that has failed', async () => {
    const { running, calls } = await two(['once', 'once']);
    await calls.end(0, 'fail');
    const { counts, halted } = await running;
    expect(halted).toMatchObject({ counted: 1 });
    expect(counts).toMatchObject({ failed: 0, inDoubt: 3, pending: 1 });
  });
});

describe('a run that is aborted', () => {
  it('is not halted by what its calls still say', async () => {
    const { calls, runtime, running } = begin(plan(3, 'soon,fail=1'));
    await turns(2);
    let gone = (): void => undefined;
    runtime.cleanup.add(new Promise<void>((end) => (gone = end)));
    runtime.abort();
    await calls.end(0, 'fail');
    gone();
    expect(await running).toMatchObject({ halted: undefined, interrupted: true, counts: { failed: 0, pending: 3 } });
  });
});

describe('failures in a row', () => {
  const missing = (program: string) =>
    new BatchxError('exec', `there is no program ${program}`, { haltAfter: 5, where: 'somewhere' });

  const runs = (errors: readonly (Error | undefined)[], parts: Partial<Plan> = {}) => {
    const registry = call(({ data }) => {
      const error = errors[data as number];
      if (error !== undefined) throw error;
      return data;
    });
    return run(plan(errors.length, 'never', parts), { registry, runtime: fakeRuntime() });
  };
  const five = Array.from({ length: 5 }, () => missing('x'));

  it('halt when as many as they say are alike', async () => {
    const { halted, counts } = await runs([undefined, ...five, undefined, undefined]);
    expect(halted).toMatchObject({ rule: undefined, counted: 5, error: { message: 'there is no program x' } });
    expect(counts).toMatchObject({ read: 6, ok: 1, failed: 5 });
  });

  it.each<[string, (Error | undefined)[]]>([
    ['one is ok between them', [...five.slice(1), undefined, ...five.slice(1)]],
    ['one fails otherwise between them', [...five.slice(1), new Error('else'), ...five.slice(1)]],
    ['they differ', ['a', 'b', 'a', 'b', 'a', 'b'].map(missing)],
    ['they do not say so', Array.from({ length: 9 }, () => new Error('alike'))],
  ])('do not when %s', async (_, errors) => {
    expect(await runs(errors)).toMatchObject({ halted: undefined, counts: { read: errors.length } });
  });

  it('halt beside rules that are not met, with order kept too', async () => {
    const parts = { halt: toHaltRules('soon,fail=10'), ordered: true, haltInTurn: true };
    expect((await runs([...five, ...five], parts)).counts.read).toBe(5);
  });
});

const rules = fc
  .record({
    when: fc.constantFrom('now', 'soon'),
    why: fc.constantFrom('fail', 'success', 'done'),
    amount: fc.integer({ min: 1, max: 8 }),
    percent: fc.boolean(),
  })
  .map(({ when, why, amount, percent }) => `${when},${why}=${percent ? amount * 12 : amount}${percent ? '%' : ''}`);
const outcomes = fc.constantFrom<End>('ok', 'ok', 'fail', 'skip');

/** Whether a rule is met by what has ended so far. */
function isMet({ why, amount, percent }: HaltRule, ends: readonly End[], total: number): boolean {
  const counted = ends.filter((end) => why === 'done' || end === (why === 'fail' ? 'fail' : 'ok')).length;
  if (!percent) return counted >= amount;
  if (why === 'done') return counted * 100 >= amount * total;
  return ends.length >= 10 && counted * 100 >= amount * ends.length;
}

const tally = (ends: readonly End[]) => ({
  ok: ends.filter((end) => end === 'ok').length,
  failed: ends.filter((end) => end === 'fail').length,
  skipped: ends.filter((end) => end === 'skip').length,
});

describe('a halt', () => {
  it('comes at exactly the item that meets the rule, and the account adds up', async () => {
    const parts = fc.record({ ordered: fc.boolean(), haltInTurn: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(outcomes, { minLength: 1, maxLength: 40 }), rules, parts, async (ends, text, more) => {
        const [rule] = toHaltRules(text);
        const last = ends.findIndex((_, n) => isMet(rule as HaltRule, ends.slice(0, n + 1), ends.length));
        const done = last < 0 ? ends : ends.slice(0, last + 1);
        const { halted, counts } = await at(ends, text, more);
        expect(halted === undefined).toBe(last < 0);
        expect(counts).toEqual({ read: done.length, ...tally(done), inDoubt: 0, pending: 0 });
      }),
    );
  });

  it('starts nothing behind it, and ends calls as it says, in whatever order they end', async () => {
    const cases = fc.record({
      ends: fc.array(fc.tuple(outcomes, fc.nat()), { minLength: 1, maxLength: 25 }),
      text: rules,
      concurrency: fc.integer({ min: 1, max: 5 }),
      ordered: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ ends, text, concurrency, ordered }) => {
        const total = ends.length;
        const { calls, runtime, running } = begin(plan(total, text, { concurrency, ordered }));
        const [rule] = toHaltRules(text) as [HaltRule];
        const done: End[] = [];
        let begun: readonly number[] | undefined;
        await turns(2);
        for (const [end, which] of ends) {
          const open = [...calls.running.keys()];
          if (open.length === 0) break;
          await calls.end(open[which % open.length] as number, end);
          done.push(end);
          if (begun === undefined && isMet(rule, done, total)) {
            begun = [...calls.begun];
            if (rule.when === 'now') break;
          }
        }
        const result = await running;
        expect(result.halted?.rule).toEqual(begun === undefined ? undefined : rule);
        expect(result.counts).toMatchObject({ ...tally(done), inDoubt: 0 });
        expect(runtime.stdout.split('\n')).toHaveLength(result.counts.ok + 1);
        if (begun !== undefined) expect(calls.begun).toEqual(begun);
        const runs = [...calls.running.keys()];
        expect(calls.aborted).toEqual(begun !== undefined && rule.when === 'now' ? runs : []);
        adds(result);
      }),
      { numRuns: 60 },
    );
  });
});
