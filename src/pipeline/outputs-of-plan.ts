import type { Registry } from '../core/registry.js';
import { defaultRuntime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { isShown, linesOf } from './is-shown.js';
import type { Plan, StepUse } from './plan.js';

/** What is made of the results of a plan. */
export interface PlanOutputs {
  /** The outputs that lines are added to. */
  readonly lines: readonly string[];
  /** Whether results are seen, or something is made of all of them. */
  readonly shown: boolean;
  /** Whether results are kept, to be shown or written again. */
  readonly keeps: boolean;
  /** Whether items that were done come by again, for what is made of each of them, or of several. */
  readonly splits: boolean;
  /** Whether there may be parts of items that do not come by again. */
  readonly hidden: boolean;
  /** Whether what becomes of an item depends on those before it. */
  readonly remembers: boolean;
  /** Whether something is made of several items, and they are done as long as all of them are as they were. */
  readonly gathers: boolean;
  /** Whether something is made of all results at the end. */
  readonly aggregates: boolean;
  /** Whether an item can be done while no other is on its way. */
  readonly oneByOne: boolean;
}

export function outputsOf(plan: Plan, registry: Registry, aggregates: boolean): PlanOutputs {
  // Of what failed everything is known again in any case.
  const shows = plan.sinks.some(
    (sink) => isShown(sink, registry) && registry.get('sink', sink.name).takes !== 'failed',
  );
  const shown = aggregates || shows;
  const lines = plan.sinks.flatMap((sink) => linesOf(sink, registry) ?? []);
  // What several were made into is in the outputs already: only where it is seen it is made of them again.
  const flows = plan.steps.flatMap(({ kind, name }) => (kind === 'flow' ? [registry.get('flow', name)] : []));
  const others = flows.filter((flow) => flow.remembers !== true && flow.gathers !== true);
  const splits = others.some(
    (flow) => shown || ((lines.length > 0 || writesFiles(plan, registry)) && flow.splits === true),
  );
  const oneByOne = flows.every((flow) => flow.oneByOne === true);
  return {
    lines,
    shown,
    keeps: shown || lines.length > 0,
    splits,
    hidden: others.length > 0 && !splits,
    remembers: flows.some((flow) => flow.remembers === true),
    gathers: gathers(plan, registry),
    aggregates,
    oneByOne,
  };
}

/**
 * Whether something is made of several items, which can be done again when one of them has changed: not where a call is
 * done for all of them that must not be done twice.
 */
function gathers({ steps }: Plan, registry: Registry): boolean {
  const first = steps.findIndex(({ kind, name }) => kind === 'flow' && registry.get('flow', name).gathers === true);
  return first >= 0 && !steps.slice(first).some((use) => use.kind !== 'flow' && isOnce(use, registry));
}

/** Whether files are written for items, of which each may be gone or have become another one's. */
const writesFiles = ({ steps, sinks }: Plan, registry: Registry): boolean =>
  sinks.some(({ name }) => registry.get('sink', name).writes !== undefined) ||
  steps.some(({ kind, name, options }) => {
    const definition = kind === 'flow' ? undefined : registry.get('step', name);
    return definition?.writes?.options.some((option) => options[option] !== undefined) === true;
  });

function isOnce({ name, options, policies }: StepUse, registry: Registry): boolean {
  const definition = registry.get('step', name);
  const said =
    policies?.effect ?? definition.policies?.(parseOptions(definition.options, options, name), defaultRuntime()).effect;
  return said === 'once';
}
