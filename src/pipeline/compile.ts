import { concat, EMPTY, map, type Observable, type OperatorFunction, take } from 'rxjs';
import { withoutDoubt } from '../core/dead-letter.js';
import type { AnyDefinition } from '../core/define.js';
import type { Item } from '../core/item.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';
import { fromSource } from '../core/source.js';
import type { Plan, Use } from './plan.js';
import { stagesOf, type StagesWatch } from './stages.js';

/** What those who watch a pipeline are told, and may tell it. */
export interface Watch extends StagesWatch {
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
  const operators = stagesOf(plan, registry, runtime, watch);
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

const optionsOf = (definition: AnyDefinition, { options }: Use) =>
  parseOptions(definition.options, options, definition.name);
