import type { Item } from './item.js';

/** What a template may name. */
export interface Scope {
  /** The value of a name, or of a path as `a.b`; undefined when there is none. */
  (name: string): unknown;
  /** The names that have a value, or may have. */
  names(): string[];
}

/**
 * The names of an item, looked up as they are asked for: `data` and `metadata`, then the fields of its data, then `id`
 * and `index`, its number from 0. `more` stands before all of them.
 */
export function scopeOf(item: Item, more: Readonly<Record<string, unknown>> = {}): Scope {
  const find = (name: string): unknown => {
    if (Object.hasOwn(more, name)) return more[name];
    if (name === 'data') return item.data;
    if (name === 'metadata') return item.metadata;
    const value = fieldOf(item.data, name);
    if (value !== undefined) return value;
    if (name === 'id') return item.id;
    return name === 'index' ? item.seq : undefined;
  };
  const scope = (name: string): unknown => {
    const dot = name.indexOf('.');
    if (dot < 0) return find(name);
    const rest = name.slice(dot + 1).split('.');
    return rest.reduce(fieldOf, find(name.slice(0, dot)));
  };
  const names = (): string[] => [
    ...new Set([...Object.keys(more), ...fieldsOf(item.data), 'data', 'id', 'index', 'metadata']),
  ];
  return Object.assign(scope, { names });
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
