import type { DataFunction } from '../core/expression.js';
import type { BatchxError } from '../core/errors.js';
import type { Item } from '../core/item.js';
import { hasOwnData } from '../core/item-change.js';
import { lastResult } from '../core/last-result.js';
import { isPromiseLike } from '../core/promise.js';
import { type Applied, applied, type Gives } from '../core/step.js';

type Next = Item | undefined;

/** Changes what a step makes of an item. */
const then = (step: Applied, change: (next: Next, item: Item) => Next): Applied => {
  return (item, slot) => {
    const next = step(item, slot);
    return isPromiseLike<Next>(next) ? next.then((done) => change(done, item)) : change(next, item);
  };
};

/** Whether a step has given a result: one that gives data always has, even where they are those that it was given. */
const hasResult = (next: Item, item: Item, gives: Gives): boolean => gives === 'data' || hasOwnData(item, next);

/** Puts the result of a step beside the data, as `name` and as `result`, instead of in their place. */
export const beside = (step: Applied, name: string, gives: Gives): Applied =>
  then(step, (next, item) => {
    if (next === undefined || !next.live || !hasResult(next, item, gives)) return next;
    const { data: result, extra } = next;
    return item.withExtra({ ...extra, outputs: { ...extra.outputs, [name]: result, result } });
  });

/** Lets the data that a step has replaced be the result from then on. */
export const inPlace = (step: Applied, gives: Gives): Applied =>
  then(step, (next, item) => {
    const outputs = next?.extra.outputs;
    if (next === undefined || outputs?.result === undefined || !next.live) return next;
    if (!hasResult(next, item, gives)) return next;
    return next.withExtra({ outputs: { ...outputs, result: next.data } });
  });

/** Runs a step for those items only for which `fits` gives something true; one for which it throws fails. */
export function when(step: Applied, fits: DataFunction): Applied {
  const judge = applied((item) => fits(item.data, item), 'verdict');
  return (item, slot) => {
    const go = (judged: Next): ReturnType<Applied> =>
      judged?.skipped === 'filtered' ? item : judged?.live === true ? step(item, slot) : judged;
    const judged = judge(item, slot);
    return isPromiseLike<Next>(judged) ? judged.then(go) : go(judged);
  };
}

/** Lets an item go on as it was when a step fails for it, and tells why. */
export const optional = (step: Applied, tell: (error: BatchxError, item: Item) => void): Applied =>
  then(step, (next, item) => {
    if (next?.error === undefined) return next;
    tell(next.error, item);
    return item;
  });

/** Changes the error of an item that a step fails. */
export const failingWith = (step: Applied, change: (error: BatchxError) => BatchxError): Applied =>
  then(step, (next) => (next?.error === undefined ? next : next.fail(change(next.error))));

/** One step after another. */
export const both =
  (first: Applied, second: Applied): Applied =>
  (item, slot) => {
    const next = first(item, slot);
    const go = (done: Next): ReturnType<Applied> => (done?.live === true ? second(done, slot) : done);
    return isPromiseLike<Next>(next) ? next.then(go) : go(next);
  };

/**
 * Makes the last result the data, as sinks take it. The fields of the data that it replaces can still be
 * named, unless a step has put something under the same name.
 */
export function withResult(item: Item): Item {
  const { outputs, data } = item;
  const result = lastResult(item);
  if (result === data) return item;
  const fields = typeof data === 'object' && data !== null && !Array.isArray(data) ? data : {};
  return item.withData(result).withExtra({ outputs: { ...fields, ...outputs } });
}
