import { concat, EMPTY, map, type Observable, type OperatorFunction, take } from 'rxjs';
import { withoutDoubt } from '../core/dead-letter.js';
import type { AnyDefinition } from '../core/define.js';
import type { Item } from '../core/item.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';
import { fromSource } from '../core/source.js';
import type { DurableSink } from '../journal/durable-sink.js';
import { isShown, linesOf } from './is-shown.js';
import type { OpenJob } from './job-of-plan.js';
import type { Plan, Use } from './plan.js';
import { stagesOf, type StagesWatch } from './stages.js';

/** What those who watch a pipeline are told, and may tell it. */
export interface Watch extends StagesWatch {
  /** Told when the limit is reached, before the last item goes on. */
  readonly onLimit: () => void;
  /** Told when all of the input has been read. */
  readonly onRead: () => void;
}

/**
 * Makes one Observable of the items of a plan, up to its sinks: sources, limit, stages.
 *
 * Every option is parsed before it returns, so that what is wrong is said before anything is opened.
 */
export function compile(plan: Plan, registry: Registry, runtime: Runtime, watch: Watch): Observable<Item> {
  let left = plan.sources.length;
  const onEnd = (): void => {
    if (--left === 0) watch.onRead();
  };
  const sources = plan.sources.map((use) => {
    const definition = registry.get('source', use.name);
    return fromSource(definition, optionsOf(definition, use), runtime, onEnd);
  });
  const read = concat(...sources);
  const all = plan.retryInDoubt === true ? read.pipe(map(withoutDoubt)) : read;
  const limited = plan.limit === undefined ? all : all.pipe(upTo(plan.limit, watch.onLimit));
  const operators = stagesOf(plan, registry, runtime, watch);
  const known = watch.recall === undefined ? limited : limited.pipe(watch.recall);
  return operators.reduce<Observable<Item>>((items, operator) => items.pipe(operator), known);
}

/**
 * The sinks of a plan as operators, in their order. In a job those come first whose output is to be on the disk before
 * an item counts as done, and those behind them by which it is told.
 */
export function sinks(
  plan: Plan,
  registry: Registry,
  runtime: Runtime,
  open?: OpenJob,
): OperatorFunction<unknown, unknown>[] {
  const made = plan.sinks.map((use) => {
    const definition = registry.get('sink', use.name);
    return { use, definition, options: optionsOf(definition, use) };
  });
  const operators = (those: typeof made, of = runtime) =>
    those.map(({ definition, options }) => sinkOf<typeof definition.options, unknown>(definition, options, of));
  if (open === undefined) return operators(made);
  const before = made.filter(({ use }) => !isShown(use, registry));
  const durable = before.map(({ use, definition, options }): DurableSink => ({
    takes: definition.takes,
    path: linesOf(use, registry),
    open: (append) =>
      definition.open(options, append === undefined ? runtime : { ...runtime, durable: open.appending(append) }),
  }));
  // Nothing is added to what these have written before.
  const alone = { ...runtime, durable: undefined, temporary: open.durable };
  const shown = operators(
    made.filter(({ use }) => isShown(use, registry)),
    alone,
  );
  return [open.done(durable, shown, runtime) as OperatorFunction<unknown, unknown>];
}

/** How many items a plan has, where that is known before they are read. */
export function totalOf(plan: Plan, registry: Registry): number | undefined {
  if (plan.sources.length === 0) return plan.total;
  let total = 0;
  for (const use of plan.sources) {
    const definition = registry.get('source', use.name);
    if (definition.total === undefined) return plan.total;
    total += definition.total(optionsOf(definition, use));
  }
  return Math.min(total, plan.limit ?? Infinity);
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
