import type { Argument } from './argument.js';

/**
 * The values of one command line, in their order; `names` says what the first ones are called, with `''` for one
 * without a name.
 *
 * In JSON a single value without a name is its text, so that any source can read it again; otherwise the object has
 * `values` and `names`. A value that is no UTF-8 is `{ "base64": "..." }`.
 *
 * @example
 * import { Arguments } from 'batchx';
 *
 * new Arguments(['a.png', '80']).toJSON(); // { values: [ 'a.png', '80' ] }
 */
export class Arguments {
  readonly values: readonly Argument[];
  readonly names: readonly string[] | undefined;

  constructor(values: readonly Argument[], names?: readonly string[]) {
    this.values = values;
    this.names = names;
  }

  toJSON(): unknown {
    const { names } = this;
    const values = this.values.map((value) =>
      typeof value === 'string' ? value : { base64: Buffer.from(value).toString('base64') },
    );
    const [only] = values;
    return values.length === 1 && typeof only === 'string' && names === undefined
      ? only
      : { values, ...(names !== undefined && { names }) };
  }

  /** What `toJSON` gave, read again; undefined when it is something else. */
  static fromJSON(json: unknown): Arguments | undefined {
    if (typeof json === 'string') return new Arguments([json]);
    if (typeof json !== 'object' || json === null) return undefined;
    const { values, names } = json as { values?: unknown; names?: unknown };
    if (!Array.isArray(values) || !(names === undefined || isTexts(names))) return undefined;
    const read = values.map(argumentFromJSON);
    return read.every((value) => value !== undefined) ? new Arguments(read, names) : undefined;
  }
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

function argumentFromJSON(json: unknown): Argument | undefined {
  if (typeof json === 'string') return json;
  const base64 = (json as { base64?: unknown } | null)?.base64;
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
}
