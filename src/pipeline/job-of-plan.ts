import type { SinkDefinition } from '../core/define.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import type { Durability } from '../journal/append-file.js';
import { Job } from '../journal/job.js';
import type { RecallOptions } from '../journal/recall.js';
import { chainOf } from './chain.js';
import type { Plan, Use } from './plan.js';

/** In which job a plan is run, and what is done with what it knows. */
export interface JobUse extends Pick<RecallOptions, 'retry' | 'onDuplicate'> {
  /** The folder of all jobs; `.batchx` unless said. */
  readonly root?: string | undefined;
  readonly name: string;
  readonly version: string;
  readonly stamp: string;
  readonly durability?: Durability | undefined;
  readonly args?: readonly string[] | undefined;
  /** Begins anew. */
  readonly fresh?: boolean | undefined;
  /** Whether what was done earlier is not shown again. */
  readonly onlyNew?: boolean | undefined;
}

/** A job that is open, with what a run does in it. */
export interface OpenJob {
  readonly job: Job;
  readonly recall: RecallOptions;
  /** Whether what came of items is kept: some output is made of it again. */
  readonly keeps: boolean;
}

/** Opens the job of a plan. Throws when another run has it, or it cannot be read. */
export function openJob(use: JobUse, plan: Plan, registry: Registry, runtime: Runtime, aggregates: boolean): OpenJob {
  const job = new Job({
    folder: `${use.root ?? ROOT}/${use.name}`,
    name: use.name,
    chain: chainOf(plan, registry, runtime),
    version: use.version,
    at: new Date(runtime.wallNow()).toISOString(),
    stamp: use.stamp,
    durability: use.durability,
    args: use.args,
    scheduler: runtime.scheduler,
    fresh: use.fresh,
  });
  const shown = aggregates || plan.sinks.some((sink) => isShown(sink, registry));
  const { retry, onDuplicate } = use;
  const recall: RecallOptions = {
    replay: shown && use.onlyNew !== true,
    splits: plan.steps.some(({ kind }) => kind === 'flow'),
    retry,
    onDuplicate,
  };
  return { job, recall, keeps: shown || plan.sinks.some((sink) => !hasFiles(sink, registry)) };
}

/** Where jobs are kept. */
const ROOT = '.batchx';

/** Whether what a sink writes is seen at once, or made anew by each run: it is given what was done earlier as well. */
export function isShown(use: Use, registry: Registry): boolean {
  const { definition, options } = optionsOf(use, registry);
  return definition.shown?.(options) ?? options.path === '-';
}

const hasFiles = (use: Use, registry: Registry): boolean => registry.get('sink', use.name).writes !== undefined;

function optionsOf(use: Use, registry: Registry): { definition: SinkDefinition; options: Record<string, unknown> } {
  const definition = registry.get('sink', use.name);
  return { definition, options: parseOptions(definition.options, use.options, definition.name) };
}
