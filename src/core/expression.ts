import * as z from 'zod';
import { BatchxError, messageOf } from './errors.js';
import type { Item } from './item.js';

/** A function of an item's data and the item itself. */
export type DataFunction<T = unknown, R = unknown> = (data: T, item: Item<T>) => R;

/** An option that is JavaScript: the text of an expression or of an arrow function, or in code a function. */
export const expression = () =>
  z.union([z.string().min(1, 'expected an expression, got empty text'), z.custom<DataFunction<never>>((value) => typeof value === 'function')]);

export type Expression = z.output<ReturnType<typeof expression>>;

/**
 * Compiles an expression over `data` and `item`, or an arrow function that is given both, to a function.
 *
 * The text is a program that its user trusts. Text that does not parse throws at once, naming what is wrong.
 *
 * @example
 * compileExpression('data.total * 1.19')({ total: 100 }, item); // 119
 * compileExpression('({ total }) => total * 1.19')({ total: 100 }, item); // 119
 */
export function compileExpression(source: Expression): DataFunction {
  if (typeof source === 'function') return source as DataFunction;
  const body = compile(source, source);
  return isFunctionText(source) ? (body(undefined, undefined) as DataFunction) : (body as DataFunction);
}

type Body = (data: unknown, item: unknown) => unknown;

function compile(code: string, source: string): Body {
  try {
    // The line break ends a comment at the end of the text.
    return new Function('data', 'item', `"use strict"; return (${code}\n);`) as Body;
  } catch (error) {
    throw new BatchxError('usage', `the expression does not parse: ${messageOf(error)}, in ${JSON.stringify(source)}`);
  }
}

/**
 * Whether the text is a function and not an expression that contains some. The engine itself is asked, by two facts of
 * the grammar: an arrow function cannot stand behind an operator, and evaluating a function runs nothing of it.
 */
function isFunctionText(source: string): boolean {
  if (!/^\s*(async\s+)?function\b/.test(source) && parses(`void ${source}`)) return false;
  try {
    return typeof compile(source, source)(undefined, undefined) === 'function';
  } catch {
    return false;
  }
}

function parses(code: string): boolean {
  try {
    compile(code, code);
    return true;
  } catch {
    return false;
  }
}
