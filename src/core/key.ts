import { BatchxError } from './errors.js';
import { compileExpression, type Expression } from './expression.js';
import type { Item } from './item.js';
import { isPromiseLike } from './promise.js';

/** Compiles what gives an item its key. The key has to be there at once: a promise of one throws. */
export function keyOf(by: Expression): (item: Item) => unknown {
  const read = compileExpression(by);
  return (item) => {
    const key = read(item.data, item);
    if (!isPromiseLike(key)) return key;
    key.then(undefined, () => undefined);
    throw new BatchxError('expression', 'expected `by` to give a key at once, got a promise');
  };
}

/** The text by which keys are compared: keys are equal when their JSON is. */
export const keyText = (key: unknown): string => JSON.stringify(key) ?? 'undefined';
