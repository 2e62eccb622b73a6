import { isDeepStrictEqual } from 'node:util';
import type * as z from 'zod';
import type { AnyDefinition } from '../../core/define.js';
import { BatchxError } from '../../core/errors.js';
import { metaOf } from '../../core/option-meta.js';
import { camelCase } from './camel-case.js';
import type { Keys } from './pipeline-file.js';

/**
 * A component with its options as a pipeline file has them: what `optionsIn` reads. Options that say no more than their
 * default are left out; what a file cannot hold, as functions and bytes, throws.
 */
export function entryOf(definition: AnyDefinition, options: Keys): Keys {
  const { name, verb = camelCase(name), main } = definition;
  const shape = definition.options.shape as Record<string, z.ZodType>;
  const written = Object.entries(options).flatMap(([option, value]) => {
    const schema = shape[option];
    if (value === undefined || (option !== main && schema !== undefined && isDefault(schema, value))) return [];
    const { template, expression } = schema === undefined ? {} : metaOf(schema);
    const own = template !== undefined || expression !== undefined;
    return [[option === main ? verb : option, plain(value, own ? (text) => text : literal, name)] as const];
  });
  const entry = Object.fromEntries(written);
  if (main === undefined) return { [verb]: entry };
  const { [verb]: value, ...others } = entry;
  return { [verb]: value, ...others };
}

function isDefault(schema: z.ZodType, value: unknown): boolean {
  const usual = schema.safeParse(undefined);
  return usual.success && isDeepStrictEqual(usual.data, value);
}

/** Text that is to be taken as it is where a file may name values of its config. */
const literal = (text: string): string => text.replace(/\{\{|\{%/g, (braces) => `{{ '${braces}' }}`);

function plain(value: unknown, textOf: (text: string) => string, of: string): unknown {
  if (typeof value === 'string') return textOf(value);
  if (Array.isArray(value)) return value.map((each) => plain(each, textOf, of));
  if (value instanceof Uint8Array || typeof value === 'function') {
    const what = typeof value === 'function' ? 'a function' : 'text that is not UTF-8';
    throw new BatchxError('usage', `${of}: ${what} cannot be written to the file of a pipeline`);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each, textOf, of)]));
}
