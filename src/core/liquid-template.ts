import { createRequire } from 'node:module';
import type { Liquid } from 'liquidjs';
import { BatchxError, messageOf } from './errors.js';
import { exactText } from './exact.js';
import type { Scope, Template } from './template-scope.js';
import { didYouMean } from './suggest.js';

type TextOf = (value: unknown, name: string) => string;

/** Made when the first template needs it: most have neither tags nor filters. */
let engine: Liquid | undefined;

/** How the values of the template that is being rendered become text; rendering does not wait. */
let textOf: (value: unknown) => string;

/** Others read files, which no template of data may do. */
const refused = ['include', 'render', 'layout', 'block'];

function liquid(): Liquid {
  if (engine !== undefined) return engine;
  const load = createRequire(import.meta.url);
  const { Liquid: Engine } = load('liquidjs') as { Liquid: typeof Liquid };
  engine = new Engine({
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    renderLimit: 1000,
    memoryLimit: 64 * 1024 * 1024,
    outputEscape: (value: unknown) => textOf(value),
  });
  for (const tag of refused) Reflect.deleteProperty(engine.tags, tag);
  return engine;
}

/** Compiles a text with tags or filters of Liquid. One that cannot be understood is told by `wrong`. */
export function compileLiquid(text: string, of: string, wrong: (what: string) => never, usual: TextOf): Template {
  const { parsed, names, roots } = parse(text, wrong);
  // Where it speaks of one name only, what is inserted is made of that.
  const name = names.length === 1 ? (names[0] as string) : '';
  return {
    text,
    names,
    only: undefined,
    render(scope, given = usual) {
      textOf = (value) => given(value ?? '', name);
      try {
        // A filter would make text of it.
        for (const each of names) expectExact(scope(each), each);
        return liquid().renderSync(parsed, valuesOf(scope, roots)) as string;
      } catch (error) {
        throw failure(error, of, scope);
      }
    },
    hint: () => undefined,
  };
}

function parse(text: string, wrong: (what: string) => never) {
  try {
    const parsed = liquid().parse(text);
    const segments = liquid().globalVariableSegmentsSync(parsed);
    return {
      parsed,
      names: [...new Set(segments.map(pathOf))],
      roots: [...new Set(segments.map(([first]) => String(first)))],
    };
  } catch (error) {
    return wrong(said(error));
  }
}

/** The names that lead to a value, as far as they are known: not what is looked up by another value. */
function pathOf(segments: readonly unknown[]): string {
  const end = segments.findIndex((each) => typeof each !== 'string');
  return segments.slice(0, end < 0 ? undefined : end).join('.');
}

function expectExact(value: unknown, name: string): void {
  if (typeof value === 'number') exactText(value, name);
}

/** The values of the names that are used; names without one are left out, so that they are told as such. */
function valuesOf(scope: Scope, names: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const value = scope(name);
    if (value !== undefined) values[name] = plain(value);
  }
  return values;
}

/** Only own properties are looked at, so those of a class are taken from what JSON says of it. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return value;
  const { toJSON } = value as { toJSON?: () => unknown };
  return typeof toJSON === 'function' ? toJSON.call(value) : value;
}

function failure(error: unknown, of: string, scope: Scope): BatchxError {
  if (error instanceof BatchxError) return error;
  const cause = (error as { originalError?: unknown }).originalError;
  if (cause instanceof BatchxError) return cause;
  const [, name] = /^undefined variable: ([^,\s]+)/.exec(messageOf(error).replace(/^\w+Error: /, '')) ?? [];
  if (name === undefined) return new BatchxError('expression', `${of}: ${said(error)}`, { cause: error });
  const [first = ''] = name.split('.');
  const known = scope.names();
  if (known.includes(first))
    return new BatchxError('expression', `${of}: \`${name}\` leads to nothing, expected a value`);
  return new BatchxError('expression', `${of}: \`${first}\` is not known${didYouMean(first, known)}`);
}

/** What Liquid says, without the position, which is that of one line in a file. */
const said = (error: unknown): string =>
  messageOf(error)
    .replace(/^\w+Error: /, '')
    .replace(/, line:1, col:(\d+)$/, ' (at character $1)')
    .replace(/, line:(\d+), col:(\d+)$/, ' (in line $1, at character $2)');
