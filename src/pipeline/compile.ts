import { concat, EMPTY, map, type Observable, type OperatorFunction, take } from 'rxjs';
import { withoutDoubt } from '../core/dead-letter.js';
import type { AnyDefinition } from '../core/define.js';
import type { Item } from '../core/item.js';
import { attempts } from '../core/policy/attempts.js';
import { policiesOf, policyOptions } from '../core/policy/policy-options.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';
import { fromSource } from '../core/source.js';
import { stage, type StageWatch } from '../core/stage.js';
import { type Applied, applied, type StepFunction } from '../core/step.js';
import type { Plan, Use } from './plan.js';

/** What those who watch a pipeline are told, and may tell it. */
export interface Watch extends StageWatch {
  /** Told when the limit is reached, before the last item goes on. */
  readonly onLimit: () => void;
}

/**
 * Makes one Observable of the items of a plan, up to its sinks: sources, limit, stages.
 *
 * Every option is parsed before it returns, so that what is wrong is said before anything is opened.
 */
export function compile(plan: Plan, registry: Registry, runtime: Runtime, watch: Watch): Observable<Item> {
  const sources = plan.sources.map((use) => {
    const definition = registry.get('source', use.name);
    return fromSource(definition, optionsOf(definition, use), runtime);
  });
  const read = concat(...sources);
  const all = plan.retryInDoubt === true ? read.pipe(map(withoutDoubt)) : read;
  const limited = plan.limit === undefined ? all : all.pipe(upTo(plan.limit, watch.onLimit));
  const operators = stages(plan, registry, runtime, watch);
  return operators.reduce<Observable<Item>>((items, operator) => items.pipe(operator), limited);
}

/** The sinks of a plan as operators, in their order. */
export function sinks(plan: Plan, registry: Registry, runtime: Runtime): OperatorFunction<unknown, unknown>[] {
  return plan.sinks.map((use) => {
    const definition = registry.get('sink', use.name);
    return sinkOf(definition, optionsOf(definition, use), runtime);
  });
}

function upTo(limit: number, onLimit: () => void): OperatorFunction<Item, Item> {
  if (limit === 0) {
    return () => {
      onLimit();
      return EMPTY;
    };
  }
  return (items) =>
    items.pipe(
      take(limit),
      map((item, index) => {
        if (index === limit - 1) onLimit();
        return item;
      }),
    );
}

/** Consecutive steps share a stage, with one slot for an item on its way through all of them. */
function stages(plan: Plan, registry: Registry, runtime: Runtime, watch: Watch): OperatorFunction<Item, Item>[] {
  const steps: Applied[] = plan.steps.map((use) => {
    const definition = registry.get('step', use.name);
    const run = definition.create(optionsOf(definition, use), runtime);
    return applied(use.policies === undefined ? run : tried(run, use, runtime), definition.gives);
  });
  if (steps.length === 0) return [];
  const options = { concurrency: plan.concurrency ?? 4, ordered: plan.ordered, stop: runtime.stopping };
  return [stage(steps, options, 'stage', watch)];
}

function tried(run: StepFunction, { name, policies }: Use, runtime: Runtime): StepFunction {
  return attempts(run, policiesOf(parseOptions(policyOptions, policies, name), runtime), runtime);
}

const optionsOf = (definition: AnyDefinition, { options }: Use) =>
  parseOptions(definition.options, options, definition.name);
