import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { map, toArray, VirtualTimeScheduler } from 'rxjs';
import { afterAll, describe, expect, it } from 'vitest';
import { builtin } from '../../src/builtin.js';
import { defineSink, defineSource } from '../../src/core/define.js';
import { BatchxError } from '../../src/core/errors.js';
import { Item } from '../../src/core/item.js';
import type { Outcome } from '../../src/core/outcome.js';
import { toHaltRules } from '../../src/pipeline/halt-rule.js';
import type { Plan } from '../../src/pipeline/plan.js';
import { run } from '../../src/pipeline/run.js';
import { fakeRuntime } from '../../src/testing.js';
import * as z from 'zod';

const folder = mkdtempSync(join(tmpdir(), 'batchx-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const literals = (...values: unknown[]) => ({ name: 'literals', options: { values } });
const mapTo = (expression: unknown) => ({ name: 'map', options: { expression } });
const strict = toHaltRules('now,fail=1');
const stdout = { name: 'jsonl', options: { path: '-' } };

const plan = (parts: Partial<Plan>): Plan => ({
  name: 'test',
  sources: [literals(1, 2, 3)],
  steps: [],
  ordered: true,
  halt: [],
  haltInTurn: true,
  sinks: [stdout],
  ...parts,
});

/** What sinks were told of an end that is not that of the input. */
function watchEnd() {
  const told: { whole?: boolean; stopping?: boolean } = {};
  const sink = defineSink({
    name: 'watch',
    status: 'stable',
    summary: 'Looks.',
    takes: 'failed',
    options: z.strictObject({}),
    examples: [],
    open: (_, { stopping }) => ({
      write: () => undefined,
      close(whole) {
        Object.assign(told, { whole, stopping: stopping.aborted });
      },
    }),
  });
  return { told, registry: builtin.with(sink), sink: { name: 'watch', options: {} } };
}

describe('run', () => {
  it('runs steps over all sources, one after another, into all sinks', async () => {
    const runtime = fakeRuntime();
    const failed = { name: 'failed', options: { path: join(folder, 'failed.jsonl') } };
    const parts = plan({
      sources: [literals(1, 2), literals(3)],
      steps: [mapTo('data === 2 ? x : data'), mapTo('data * 10')],
      sinks: [stdout, failed],
    });
    const result = await run(parts, { registry: builtin, runtime });
    expect(result).toEqual({
      counts: { read: 3, ok: 2, failed: 1, skipped: 0, inDoubt: 0, pending: 0 },
      halted: undefined,
      interrupted: false,
      error: undefined,
    });
    expect(runtime.stdout).toBe('10\n30\n');
    expect(existsSync(join(folder, 'failed.jsonl'))).toBe(true);
  });

  it('tells its beginning and its end', async () => {
    const runtime = fakeRuntime();
    const told: unknown[] = [];
    for (const name of ['batch:start', 'batch:item:start', 'batch:item:end', 'batch:end'] as const) {
      runtime.events.on(name, (payload: object) => told.push([name, 'name' in payload ? payload.name : '']));
    }
    await run(plan({ sources: [literals(1)] }), { registry: builtin, runtime });
    expect(told).toEqual([
      ['batch:start', 'test'],
      ['batch:item:start', ''],
      ['batch:item:end', ''],
      ['batch:end', ''],
    ]);
  });

  it('makes something of the outcomes at the end', async () => {
    let ids: unknown;
    await run(plan({}), {
      registry: builtin,
      runtime: fakeRuntime(),
      end: (items) =>
        items.pipe(
          toArray(),
          map((outcomes) => (ids = (outcomes as unknown as Outcome[]).map(({ id }) => id))),
        ),
    });
    expect(ids).toEqual(['#1', '#2', '#3']);
  });

  it.each([
    [
      'an unknown source',
      { sources: [{ name: 'cvs', options: {} }] },
      'no source is called "cvs"; did you mean "csv"?',
    ],
    ['an unknown step', { steps: [{ name: 'mop', options: {} }] }, 'no step is called "mop"; did you mean "map"?'],
    ['an unknown sink', { sinks: [{ name: 'jsnl', options: {} }] }, 'no sink is called "jsnl"; did you mean "jsonl"?'],
    ['a wrong option', { sinks: [{ name: 'jsonl', options: { pth: '-' } }] }, 'jsonl: '],
    ['an expression that does not parse', { steps: [mapTo('data.')] }, 'the expression does not parse'],
  ])('rejects %s before anything is opened', async (_, wrong, message) => {
    const path = join(folder, 'not-opened.jsonl');
    const parts = plan({ sinks: [{ name: 'jsonl', options: { path } }], ...wrong });
    await expect(run(parts, { registry: builtin, runtime: fakeRuntime() })).rejects.toThrow(message);
    expect(existsSync(path)).toBe(false);
  });

  it('gives the error of an input that cannot be read, once what came before is written', async () => {
    const breaks = defineSource({
      name: 'breaks',
      status: 'stable',
      summary: 'Breaks.',
      options: z.strictObject({}),
      examples: [],
      *open() {
        yield [Item.of(1)];
        throw new BatchxError('input', 'cannot read it');
      },
    });
    const runtime = fakeRuntime();
    const parts = plan({ sources: [{ name: 'breaks', options: {} }] });
    const { error, counts } = await run(parts, { registry: builtin.with(breaks), runtime });
    expect(error).toMatchObject({ code: 'input', message: 'cannot read it' });
    expect(counts).toMatchObject({ read: 1, ok: 1 });
    expect(runtime.stdout).toBe('1\n');
  });
});

describe('a limit', () => {
  it.each([0, 1, 2, 3, 4])('of %d reads no more', async (limit) => {
    const runtime = fakeRuntime();
    const { counts } = await run(plan({ limit }), { registry: builtin, runtime });
    expect(runtime.stdout).toBe(['1\n', '2\n', '3\n'].slice(0, limit).join(''));
    expect(counts).toMatchObject({ read: Math.min(limit, 3), ok: Math.min(limit, 3), pending: 0 });
  });

  it('does not open a source that is not needed', async () => {
    const sources = [literals(1), { name: 'jsonl', options: { path: 'there/is/none' } }];
    expect(await run(plan({ sources, limit: 1 }), { registry: builtin, runtime: fakeRuntime() })).toMatchObject({
      error: undefined,
    });
  });
});

describe('a strict run', () => {
  it('ends with the first item that failed, which is settled too', async () => {
    const runtime = fakeRuntime();
    const parts = plan({ halt: strict, steps: [mapTo('data === 2 ? x : data')] });
    const { halted, counts } = await run(parts, { registry: builtin, runtime });
    expect(halted?.rule).toBe(strict[0]);
    expect(counts).toEqual({ read: 2, ok: 1, failed: 1, skipped: 0, inDoubt: 0, pending: 0 });
    expect(runtime.stdout).toBe('1\n');
  });

  it('gives up the calls that run, which are then pending', async () => {
    const never = (n: number): unknown => (n === 2 ? Promise.reject(new Error('no')) : new Promise(() => undefined));
    const parts = plan({ halt: strict, ordered: false, steps: [mapTo(never)] });
    const { halted, counts } = await run(parts, { registry: builtin, runtime: fakeRuntime() });
    expect(halted?.rule).toBe(strict[0]);
    expect(counts).toMatchObject({ read: 3, failed: 1, pending: 2 });
  });

  it('ends when a row cannot be written, and closes its sinks', async () => {
    const { told, registry, sink } = watchEnd();
    const source = Array.from({ length: 2000 }, (_, n) => n);
    const runtime = fakeRuntime();
    const parts = plan({ halt: strict, sources: [literals(...source)], steps: [mapTo('data === 2 ? 1n : data')] });
    const { halted, counts } = await run({ ...parts, sinks: [stdout, sink] }, { registry, runtime });
    expect(halted?.rule).toBe(strict[0]);
    expect(counts).toMatchObject({ failed: 1, pending: 0 });
    expect(counts.read).toBeLessThan(2000);
    expect(runtime.stdout.split('\n')).toHaveLength(counts.ok + 1);
    expect(told.stopping).toBe(true);
  });
});

describe('sinks are told whether their input was cut short', () => {
  const fails = [mapTo('data === 2 ? x : data')];

  it.each<[string, Partial<Plan>, boolean]>([
    ['not at the end', {}, false],
    ['not by failures', { steps: fails }, false],
    ['by a halt', { steps: fails, halt: strict }, true],
    ['by a limit', { limit: 2 }, true],
    ['by the limit of none', { limit: 0 }, true],
    ['not by a limit that is not reached', { limit: 4 }, false],
  ])('%s', async (_, parts, stopping) => {
    const { told, registry, sink } = watchEnd();
    await run(plan({ ...parts, sinks: [stdout, sink] }), { registry, runtime: fakeRuntime() });
    expect(told).toEqual({ whole: true, stopping });
  });

  it('when the runtime is stopping', async () => {
    const { told, registry, sink } = watchEnd();
    const runtime = fakeRuntime();
    const stop = (): void => {
      runtime.stop();
    };
    const steps = [mapTo(stop)];
    await run(plan({ steps, sinks: [stdout, sink] }), { registry, runtime });
    expect(told.stopping).toBe(true);
  });
});

describe('a runtime that is stopped', () => {
  it('reads and starts no more, and lets what runs end', async () => {
    const runtime = fakeRuntime();
    let end = (): void => undefined;
    const begun: unknown[] = [];
    const slow = (n: number): Promise<number> => {
      begun.push(n);
      if (n === 2) runtime.stop();
      return new Promise((resolve) => (end = () => resolve(n * 10)));
    };
    const running = run(plan({ sources: [literals(1, 2, 3, 4)], steps: [mapTo(slow)], concurrency: 1 }), {
      registry: builtin,
      runtime,
    });
    await new Promise(setImmediate);
    end();
    await new Promise(setImmediate);
    end();
    expect(await running).toMatchObject({ interrupted: true, counts: { read: 4, ok: 2, pending: 2 } });
    expect(begun).toEqual([1, 2]);
    expect(runtime.stdout).toBe('10\n20\n');
  });
});

describe('a runtime that is aborted', () => {
  const never = (): Promise<never> => new Promise(() => undefined);

  it('gives up what runs, and writes what is done', async () => {
    const step = (n: number): unknown => (n === 1 ? n : never());
    const runtime = fakeRuntime();
    const running = run(plan({ steps: [mapTo(step)] }), { registry: builtin, runtime });
    await new Promise(setImmediate);
    runtime.abort();
    expect(await running).toMatchObject({ interrupted: true, counts: { read: 3, ok: 1, pending: 2 } });
    expect(runtime.stdout).toBe('1\n');
  });

  it('gives sinks a second for it, and no more', async () => {
    const scheduler = new VirtualTimeScheduler();
    const runtime = fakeRuntime({ scheduler, stdout: never });
    const running = run(plan({}), { registry: builtin, runtime });
    await new Promise(setImmediate);
    runtime.abort();
    let over = false;
    void running.then(() => (over = true));
    await new Promise(setImmediate);
    expect(over).toBe(false);
    scheduler.flush();
    expect(await running).toMatchObject({ interrupted: true, counts: { read: 3, ok: 0, pending: 3 } });
    expect(scheduler.frame).toBe(1000);
  });

  it('before it began does nothing', async () => {
    const runtime = fakeRuntime();
    runtime.abort();
    expect(await run(plan({}), { registry: builtin, runtime })).toMatchObject({ counts: { read: 0 } });
    expect(runtime.stdout).toBe('');
  });
});

describe('what goes on behind the stream', () => {
  const leaves = (runtime: ReturnType<typeof fakeRuntime>, end: PromiseLike<unknown>) =>
    mapTo((n: number) => {
      if (n === 1) runtime.cleanup.add(end);
      return n === 3 ? Promise.reject(new BatchxError('output', 'the disk is full')) : n;
    });
  const ways: [string, Partial<Plan>, (runtime: ReturnType<typeof fakeRuntime>) => void][] = [
    ['the usual end', { sources: [literals(1, 2)] }, () => undefined],
    ['an error', {}, () => undefined],
    ['an abort', { sources: [literals(1, 2)], steps: [] }, (runtime) => runtime.abort()],
  ];

  it.each(ways)('is waited for, after %s', async (_, parts, meanwhile) => {
    const runtime = fakeRuntime();
    let end = (): void => undefined;
    const left = leaves(runtime, new Promise<void>((resolve) => (end = resolve)));
    const told: string[] = [];
    runtime.events.on('batch:end', () => told.push('end'));
    const steps = [left, ...(parts.steps === undefined ? [] : [mapTo(() => new Promise(() => undefined))])];
    const running = run(plan({ ...parts, steps }), { registry: builtin, runtime });
    await new Promise(setImmediate);
    meanwhile(runtime);
    await new Promise(setImmediate);
    expect(told).toEqual([]);
    end();
    const { error } = await running;
    expect(told).toEqual(['end']);
    expect(error?.code).toBe(_ === 'an error' ? 'output' : undefined);
  });

  it('is waited for no longer than two seconds', async () => {
    const scheduler = new VirtualTimeScheduler();
    const runtime = fakeRuntime({ scheduler });
    const never = new Promise(() => undefined);
    const running = run(plan({ sources: [literals(1)], steps: [leaves(runtime, never)] }), {
      registry: builtin,
      runtime,
    });
    await new Promise(setImmediate);
    scheduler.flush();
    expect(await running).toMatchObject({ error: undefined, counts: { ok: 1 } });
    expect(scheduler.frame).toBe(2000);
  });
});
