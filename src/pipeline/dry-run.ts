import { type MonoTypeOperatorFunction, tap } from 'rxjs';
import type { Item } from '../core/item.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { Secrets } from '../core/secrets.js';
import type { Told } from './dry-step.js';
import { contextOf, secretsOf } from './file/context.js';
import { planOfFile } from './file/plan-of-file.js';
import type { PipelineFile } from './file/pipeline-file.js';
import type { Plan } from './plan.js';
import { run } from './run.js';
import type { RunResult } from './run-result.js';

export interface DryRunOptions {
  readonly registry: Registry;
  readonly runtime: Runtime;
  /** How many items are looked at. */
  readonly limit: number;
  /** Told of each command, request and path. */
  readonly tell: (told: Told) => void;
  /** Told of each item when its steps are over; one that was split is told by its parts. */
  readonly end: (item: Item) => void;
}

/** What a dry run has found. */
export interface DryRunResult extends RunResult {
  /** What the outputs would be. */
  readonly outputs: readonly string[];
}

/**
 * Does with the first items what a pipeline would, without touching anything: what reaches outside or writes is only
 * told, the rest - reading, filters, expressions - is done. One item after another, so that each is told as a whole.
 */
export async function dryRun(
  file: PipelineFile,
  { registry, runtime, limit, tell, end }: DryRunOptions,
): Promise<DryRunResult> {
  const context = contextOf(file, runtime);
  const secrets = new Secrets(secretsOf(file, runtime));
  const inside = { ...runtime, context, redact: (text: string) => secrets.redact(text) };
  const { plan, report } = planOfFile(file, context, inside);
  const dry: Plan = {
    ...plan,
    limit: Math.min(limit, plan.limit ?? limit),
    concurrency: 1,
    halt: [],
    sinks: [],
    steps: plan.steps.map((use) => ({ ...use, tell, policies: undefined, concurrency: undefined })),
  };
  const told: MonoTypeOperatorFunction<Item> = tap(end);
  const result = await run(dry, { registry, runtime: inside, end: told });
  const outputs = plan.sinks
    .map(({ options }) => options.path ?? options.root)
    .filter((path) => typeof path === 'string');
  return { ...result, outputs: report === undefined ? outputs : [...outputs, report] };
}
