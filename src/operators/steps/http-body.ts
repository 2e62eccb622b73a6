import { BatchxError } from '../../core/errors.js';
import { exactJson, wholeText } from '../../core/exact.js';
import { compileTemplate, type Scope, type Template, textOfValue, valueOf } from '../../core/template.js';

/** Makes a part of a request of the names of an item. */
export type Part<T> = (scope: Scope) => T;

export interface RequestBody {
  /** Its type, unless the headers say another one. */
  readonly type: string | undefined;
  readonly content: Part<string | Uint8Array>;
}

/** The body that the options describe, if they do. */
export function bodyOf(options: {
  readonly json?: unknown;
  readonly body?: string | undefined;
  readonly form?: PairOptions | undefined;
}): RequestBody | undefined {
  const { json, body, form } = options;
  if (json !== undefined) {
    const value = valueIn(json);
    return { type: 'application/json', content: (scope) => jsonOf(() => value(scope)) };
  }
  if (body !== undefined) {
    const template = compileTemplate(body, 'body');
    return { type: 'text/plain;charset=UTF-8', content: (scope) => contentOf(template, scope) };
  }
  if (form === undefined) return undefined;
  const fields = pairsOf(form, 'form');
  return {
    type: 'application/x-www-form-urlencoded;charset=UTF-8',
    content: (scope) => new URLSearchParams(fields(scope) as [string, string][]).toString(),
  };
}

/** A value whose texts are templates, at any depth; one that is `{{ name }}` alone stands for the value itself. */
function valueIn(given: unknown): Part<unknown> {
  if (typeof given === 'string') {
    const template = compileTemplate(given, 'json');
    const { only } = template;
    if (only === undefined) return (scope) => template.render(scope, wholeTextOf);
    return (scope) => {
      const value = scope(only);
      if (value instanceof Uint8Array) {
        throw new BatchxError('encode', `json: \`${only}\` is bytes, which JSON cannot hold`);
      }
      if (value === undefined) return valueOf(scope, only, 'json');
      // What is sent is made of it once more, with what stands around it.
      exactJson(value, only);
      return value;
    };
  }
  if (typeof given === 'number' && !Number.isFinite(given)) {
    throw new BatchxError('usage', `json: expected numbers that JSON can say, got ${given}`);
  }
  if (typeof given !== 'object' || given === null) return () => given;
  if (Array.isArray(given)) {
    const parts = given.map(valueIn);
    return (scope) => parts.map((part) => part(scope));
  }
  const fields = Object.entries(given).map(([name, value]) => [name, valueIn(value)] as const);
  return (scope) => Object.fromEntries(fields.map(([name, part]) => [name, part(scope)]));
}

function jsonOf(make: () => unknown): string {
  let text: string;
  try {
    text = JSON.stringify(make());
  } catch (error) {
    if (error instanceof BatchxError) throw error;
    throw new BatchxError('encode', `json: ${(error as Error).message.split('\n', 1)[0] ?? ''}`, { cause: error });
  }
  // Whole characters are written as they are.
  if (!/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(text)) return text;
  throw new BatchxError('encode', 'json: expected text, got half of a character');
}

function contentOf(template: Template, scope: Scope): string | Uint8Array {
  const value = template.only === undefined ? undefined : scope(template.only);
  return value instanceof Uint8Array ? value : template.render(scope, wholeTextOf);
}

type Scalar = string | number | boolean;
type PairOptions = Readonly<Record<string, Scalar | readonly Scalar[]>>;

/**
 * Names and their values as texts. `{{ name }}` alone gives one of each element of an array, and none of an empty one.
 */
export function pairsOf(options: PairOptions, of: string): Part<(readonly [string, string])[]> {
  const parts = Object.entries(options).flatMap(([name, values]) =>
    [values].flat().map((value) => ({ name, values: textsOf(value, of) })),
  );
  return (scope) => parts.flatMap(({ name, values }) => values(scope).map((value) => [name, value] as const));
}

function textsOf(given: Scalar, of: string): Part<string[]> {
  if (typeof given !== 'string') return () => [String(given)];
  const template = compileTemplate(given, of);
  const { only } = template;
  if (only === undefined) return (scope) => [template.render(scope, wholeTextOf)];
  return (scope) => {
    const value = valueOf(scope, only, of);
    if (!Array.isArray(value)) return [wholeTextOf(value, only)];
    return value.map((_, at) => {
      const name = `${only}.${at}`;
      return wholeTextOf(valueOf(scope, name, of), name);
    });
  };
}

/** A value as text that has bytes. */
const wholeTextOf = (value: unknown, name: string): string => wholeText(textOfValue(value, name), name);
