import { Script } from 'node:vm';
import * as z from 'zod';
import { BatchxError, messageOf } from './errors.js';
import type { Item } from './item.js';
import { oneOf } from './schema.js';

/** A function of an item's data and the item itself. */
export type DataFunction<T = unknown, R = unknown> = (data: T, item: Item<T>) => R;

/** What is told of the schema of an option that is an expression, for those who compile it themselves. */
export interface ExpressionMeta {
  /** What the text may speak of, in the order in which a function is given it. */
  readonly expression: readonly string[];
}

const ITEM = ['data', 'item'] as const;

/**
 * An option that is JavaScript: the text of an expression or of an arrow function, or in code a function. `names` are
 * what it is given; `item` is one of them.
 */
export const expression = (names: readonly string[] = ITEM) =>
  oneOf('an expression or a function', [
    z.string().min(1, 'expected an expression, got empty text'),
    z.custom<DataFunction<never>>((value) => typeof value === 'function'),
  ]).meta({ expression: names });

export type Expression = z.output<ReturnType<typeof expression>>;

/**
 * Compiles an expression over `data` and `item`, or an arrow function that is given both, to a function.
 *
 * The text is a program that its user trusts. Text that does not parse throws at once, naming what is wrong. `names`
 * are what it may speak of, when that is something else; `constants` are there by name in both forms.
 *
 * @example
 * import { compileExpression } from './expression.js';
 * import { Item } from './item.js';
 *
 * const order = Item.of({ total: 100 }, { id: 'a-1' });
 * compileExpression('data.total * 1.5')(order.data, order); // 150
 * compileExpression('({ total }, { id }) => `${id}: ${total}`')(order.data, order); // 'a-1: 100'
 * compileExpression('data.total > config.least', ['data'], { config: { least: 50 } })(order.data); // true
 */
export function compileExpression(source: Expression): DataFunction;
export function compileExpression(
  source: Expression,
  names: readonly string[],
  constants?: Readonly<Record<string, unknown>>,
): Compiled;
export function compileExpression(
  source: Expression,
  names: readonly string[] = ITEM,
  constants: Readonly<Record<string, unknown>> = {},
): Compiled {
  if (typeof source === 'function') return source as Compiled;
  const fixed = Object.keys(constants);
  const body = compile(source, source, [...fixed, ...names]);
  const values = Object.values(constants);
  // A function is made where there are no such names: one that does not take `data` must not find it undefined.
  const made = isFunctionText(source, names)
    ? (program(fixed, `return (${source}\n);`)(...values) as Compiled)
    : fixed.length === 0
      ? body
      : (...given: unknown[]) => body(...values, ...given);
  sources.set(made, source);
  return made;
}

/** The texts that functions were compiled from. */
const sources = new WeakMap<Compiled, string>();

export type Compiled = (...given: unknown[]) => unknown;

function compile(code: string, source: string, names: readonly string[]): Compiled {
  try {
    // In two kinds of brackets, so that the text cannot close them itself. The line break ends a comment at its end.
    program(names, `[${code}\n];`);
    return program(names, `return (${code}\n);`);
  } catch (error) {
    const reason = messageOf(faultOf(code) ?? error);
    const hint = reason.includes('await is only valid') ? '; what waits is an async function: async (data) => ...' : '';
    throw new BatchxError('usage', `the expression does not parse: ${reason}, in ${shown(source)}${hint}`);
  }
}

/** How much of an expression a message repeats, in characters. */
const SHOWN = 200;

const shown = (source: string): string =>
  source.length > SHOWN ? `${JSON.stringify(source.slice(0, SHOWN))}...` : JSON.stringify(source);

/** The text of an expression or a function, as messages repeat it. */
export const shownSource = (source: Expression): string =>
  shown(typeof source === 'string' ? source : (sources.get(source as Compiled) ?? String(source)));

/** What is wrong with the text as it stands, where something is: the brackets around it make other faults of some. */
function faultOf(code: string): unknown {
  try {
    new Script(code);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Where in its text an expression cannot be understood, in characters; undefined where that is not known. */
export function unparsedAt(source: string): number | undefined {
  const stack = (faultOf(source) as Error | undefined)?.stack ?? '';
  const [, line, mark] = /^[^\n]*:(\d+)\n[^\n]*\n( *)\^/.exec(stack) ?? [];
  if (line === undefined) return undefined;
  const before = source.split('\n').slice(0, Number(line) - 1);
  return before.reduce((sum, each) => sum + each.length + 1, mark?.length ?? 0);
}

const program = (names: readonly string[], code: string): Compiled =>
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- to run the user's own program is what it is for
  new Function(...names, `"use strict"; ${code}`) as Compiled;

const functionText = /^(?:\s|\/\*[^]*?\*\/|\/\/.*\n)*(?:async\s+)?function\b/;

/**
 * Whether the text is a function and not an expression that contains some. The engine itself is asked, by two facts of
 * the grammar: an arrow function cannot stand behind an operator, and evaluating a function runs nothing of it.
 */
function isFunctionText(source: string, names: readonly string[]): boolean {
  if (!functionText.test(source) && parses(`0 + ${source}`, names)) return false;
  try {
    // Names that are not there yet: `data.seen = count()` ends before its right side is evaluated.
    return typeof program([], `return (${source}\n); let ${names.join(', ')};`)() === 'function';
  } catch {
    return false;
  }
}

function parses(code: string, names: readonly string[]): boolean {
  try {
    compile(code, code, names);
    return true;
  } catch {
    return false;
  }
}
