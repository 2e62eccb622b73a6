import { expect } from 'vitest';
import * as z from 'zod';
import { builtin } from '../../src/builtin.js';
import { Account } from '../../src/core/account.js';
import { defineSink, defineStep } from '../../src/core/define.js';
import type { Item } from '../../src/core/item.js';
import type { Slot } from '../../src/core/slot.js';
import { whyHalted } from '../../src/cli/halted.js';
import type { Plan, StepUse } from '../../src/pipeline/plan.js';
import { run } from '../../src/pipeline/run.js';
import type { RunResult } from '../../src/pipeline/run-result.js';
import { makeReport } from '../../src/report/make-report.js';
import { type Report, reportSchema } from '../../src/report/report-schema.js';
import { RunRecorder } from '../../src/report/run-recorder.js';
import { fakeRuntime, type FakeRuntime } from '../../src/testing.js';
import { Clock } from '../core/policy/play.js';

/** What a call of the step `call` does. */
export type Behave = (item: Item, slot: Slot) => unknown;

export interface Played {
  readonly report: Report;
  readonly result: RunResult;
  readonly runtime: FakeRuntime;
}

/** What nobody counts. */
export const resources = {
  processors: 2,
  cpuSeconds: { own: null, children: null },
  peakMemory: { own: null, children: null },
};

const nowhere = defineSink({
  name: 'nowhere',
  status: 'stable',
  summary: 'Writes nothing.',
  takes: 'ok',
  options: z.strictObject({}),
  examples: [],
  open: () => ({ write: () => undefined, close: () => undefined }),
});

const callStep = (behave: Behave) =>
  defineStep({
    name: 'call',
    status: 'stable',
    summary: 'Reaches outside.',
    gives: 'data',
    workers: 4,
    reachesOut: true,
    options: z.strictObject({}),
    examples: [],
    create: () => behave,
  });

export const call = (use: Partial<StepUse> = {}): StepUse => ({ name: 'call', options: {}, ...use });
export const map = (expression: unknown, use: Partial<StepUse> = {}): StepUse => ({
  name: 'map',
  options: { expression },
  ...use,
});
export const filter = (expression: unknown): StepUse => ({ name: 'filter', options: { expression } });
export const split = (expression: unknown): StepUse => ({ name: 'split', kind: 'flow', options: { expression } });
export const batch = (size: number): StepUse => ({ name: 'batch', kind: 'flow', options: { size } });

/** Runs a plan over values on a clock of its own, and gives its report; each is held against the schema. */
export async function play(
  values: readonly unknown[],
  parts: Partial<Plan>,
  behave: (clock: Clock, runtime: FakeRuntime) => Behave = () => (item) => item.data,
  watch: (runtime: FakeRuntime, clock: Clock) => void = () => undefined,
): Promise<Played> {
  const clock = new Clock();
  const runtime = fakeRuntime({ scheduler: clock.scheduler, random: () => 0 });
  const account = new Account(runtime.events);
  const recorder = new RunRecorder(runtime, account);
  watch(runtime, clock);
  const plan: Plan = {
    name: 'test',
    sources: [{ name: 'literals', options: { values } }],
    steps: [],
    ordered: false,
    halt: [],
    sinks: [{ name: 'nowhere', options: {} }],
    ...parts,
  };
  const registry = builtin.with(nowhere, callStep(behave(clock, runtime)));
  const result = await clock.until(run(plan, { registry, runtime, account, recorder }));
  const { halted, interrupted, error } = result;
  const report = makeReport(recorder, {
    batchx: 'test',
    pipeline: 'test',
    run: '20260101-000000-0000',
    exit: 0,
    interrupted,
    halted: halted === undefined ? null : { rule: halted.rule?.said ?? null, words: whyHalted(halted) },
    error,
    aggregate: undefined,
    resources,
    failed: { file: undefined, command: undefined },
  });
  return { report: accepted(report), result, runtime };
}

/** A report, as the schema takes it, and unchanged by being written and read. */
export function accepted(report: Report): Report {
  const read = reportSchema.parse(JSON.parse(JSON.stringify(report)));
  expect(read).toEqual(report);
  return read;
}

export const sleeping =
  (ms: number): ((clock: Clock) => Behave) =>
  (clock) =>
  async ({ data }) => {
    await clock.sleep(ms);
    return data;
  };
