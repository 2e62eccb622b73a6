import type { Item } from './item.js';
import { SplitOrigin } from './origin.js';

/** What a template may name. */
export interface Scope {
  /** The value of a name, or of a path as `a.b`; undefined when there is none. */
  (name: string): unknown;
  /** The names that have a value, or may have. */
  names(): string[];
}

/** A text with places for values. */
export interface Template {
  readonly text: string;
  /** The names that it inserts, in their order. */
  readonly names: readonly string[];
  /** The name, when the text is one place and nothing else: then the value can be had as it is. */
  readonly only: string | undefined;
  /** The text with the values in their places; `textOf` makes text of a value. An unknown name throws. */
  render(scope: Scope, textOf?: (value: unknown, name: string) => string): string;
  /** What the writer of `{name}` should know, where the scope has such a name: single braces mean nothing. */
  hint(scope: Scope): string | undefined;
}

/**
 * The names of an item, looked up as they are asked for: what earlier steps have put beside its data, `data`
 * and `metadata`, the fields of its data, those of what it was split from and of what its source read, `id` and `index`,
 * its number from 0; then what `context` has, such as `config`.
 */
export function scopeOf(item: Item, context: Readonly<Record<string, unknown>> = {}): Scope {
  const find = (name: string): unknown => {
    const { outputs, data } = item;
    if (Object.hasOwn(outputs, name)) return outputs[name];
    if (name === 'data') return data;
    if (name === 'metadata') return item.metadata;
    const own = fieldOf(data, name);
    const value = own === undefined ? fieldAmong(earlierData(item), name) : own;
    if (value !== undefined) return value;
    if (name === 'id') return item.id;
    if (name === 'index') return item.seq;
    return Object.hasOwn(context, name) ? context[name] : undefined;
  };
  const scope = (name: string): unknown => {
    const dot = name.indexOf('.');
    if (dot < 0) return find(name);
    const rest = name.slice(dot + 1).split('.');
    return rest.reduce(fieldOf, find(name.slice(0, dot)));
  };
  const names = (): string[] => {
    const fields = [item.data, ...earlierData(item)].flatMap(fieldsOf);
    const given = ['data', 'id', 'index', 'metadata'];
    return [...new Set([...Object.keys(item.outputs), ...fields, ...given, ...Object.keys(context)])];
  };
  return Object.assign(scope, { names });
}

/** The data that those of an item were made from: as its source gave them, or of the item that it is a part of. */
function* earlierData({ first, extra: { origin } }: Item): Generator {
  if (first !== undefined) yield first.data;
  if (!(origin instanceof SplitOrigin)) return;
  for (const whole of origin.parents) {
    yield whole.data;
    yield* earlierData(whole);
  }
}

function fieldAmong(values: Iterable<unknown>, name: string): unknown {
  for (const value of values) {
    const found = fieldOf(value, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A field of a value: its own, or a getter of its class. What every object has, and functions, are no fields. */
function fieldOf(value: unknown, name: string): unknown {
  const holder = holders(value).find((each) => Object.hasOwn(each, name));
  if (holder === undefined) return undefined;
  const found = (value as Record<string, unknown>)[name];
  return typeof found === 'function' ? undefined : found;
}

const fieldsOf = (value: unknown): string[] =>
  holders(value).flatMap((holder) =>
    Object.entries(Object.getOwnPropertyDescriptors(holder))
      .filter(([, field]) => (holder === value ? field.enumerable === true : 'get' in field))
      .map(([name]) => name),
  );

/** What may hold fields of a value: itself, and the classes that it is of, but those of the language. */
function holders(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  const found = [value];
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return found;
  let at = Object.getPrototypeOf(value) as object | null;
  for (; at !== null && Object.getPrototypeOf(at) !== null; at = Object.getPrototypeOf(at) as object | null)
    found.push(at);
  return found;
}
