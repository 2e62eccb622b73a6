import * as z from 'zod';
import type { AnyDefinition } from '../../core/define.js';
import { expression } from '../../core/expression.js';
import type { Kind, Registry } from '../../core/registry.js';
import { camelCase } from './camel-case.js';

/** How a component is written in a pipeline file: its verb, the other options beside it, and the keys that all have. */
export interface Form {
  /** The key that it is known by. */
  readonly verb: string;
  readonly definition: AnyDefinition;
  /** What the whole entry has to be. */
  readonly schema: z.ZodObject;
  /** The options that are written in it, by the names that they have there. */
  readonly options: ReadonlyMap<string, string>;
  /** The names of the keys that are no options of the component. */
  readonly common: ReadonlySet<string>;
}

/** The forms of all components of some kinds, with the keys that each of them has besides. */
export function formsOf(registry: Registry, kinds: readonly Kind[], common: z.ZodRawShape): Form[] {
  return registry.all.filter(({ kind }) => kinds.includes(kind)).map((definition) => formOf(definition, common));
}

function formOf(definition: AnyDefinition, common: z.ZodRawShape): Form {
  const { name, verb = camelCase(name), main, options } = definition;
  const shape = options.shape as Record<string, z.ZodType>;
  const called = (option: string): string => (option === main ? verb : option);
  const beside = Object.keys(shape).filter((option) => main !== undefined && option !== main);
  const taken = new Set([verb, ...beside]);
  const others = Object.fromEntries(Object.entries(common).filter(([key]) => !taken.has(key)));
  const value = main === undefined ? options.describe(definition.summary) : required(shape[main] as z.ZodType);
  const schema = z
    .strictObject({ [verb]: value, ...Object.fromEntries(beside.map((option) => [option, shape[option]])), ...others })
    .meta({ title: verb, description: definition.summary });
  return {
    verb,
    definition,
    schema,
    options: new Map(main === undefined ? [] : Object.keys(shape).map((option) => [called(option), option])),
    common: new Set(Object.keys(others)),
  };
}

/** What names the component has to be there, though the option may be left out in code. */
const required = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? required(schema.unwrap() as z.ZodType) : schema;

/** The options of an entry as the component has them. */
export function optionsIn(form: Form, entry: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (form.options.size === 0) return (entry[form.verb] ?? {}) as Record<string, unknown>;
  const options = Object.entries(entry).flatMap(([key, value]) => {
    const option = form.options.get(key);
    return option === undefined ? [] : [[option, value] as const];
  });
  return Object.fromEntries(options);
}

/** What `input` may say besides. */
export const inputKeys = {
  filter: expression().optional().describe('Only the items for which this expression is true.'),
  limit: z.int().min(0).optional().describe('Read no more items than this.'),
};
