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
  const keys = new Map(main === undefined ? [] : Object.keys(shape).map((option) => [called(option), option]));
  const schema = z.strictObject({
    [verb]: value,
    ...Object.fromEntries(beside.map((option) => [option, shape[option]])),
    ...others,
  });
  return {
    verb,
    definition,
    schema: (keys.size > 0 ? fittingTogether(schema, options, keys) : schema).meta({
      ...(keys.size > 0 && options.meta()),
      title: verb,
      description: definition.summary,
    }),
    options: keys,
    common: new Set(Object.keys(others)),
  };
}

/** An entry whose options have to fit together as those of the component have to. */
function fittingTogether(schema: z.ZodObject, options: z.ZodObject, keys: ReadonlyMap<string, string>): z.ZodObject {
  if ((options.def.checks ?? []).length === 0) return schema;
  const [verb = ''] = Object.keys(schema.shape);
  const keyOf = (option: unknown): string => [...keys].find(([, each]) => each === option)?.[0] ?? verb;
  return schema.superRefine((entry, context) => {
    const { error } = options.safeParse(optionsOf(keys, entry));
    for (const { code, path, message } of error?.issues ?? [])
      if (code === 'custom' && path.length <= 1) context.addIssue({ code, path: [keyOf(path[0])], message });
  });
}

/** What names the component has to be there, though the option may be left out in code. */
function required(schema: z.ZodType): z.ZodType {
  if (!(schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)) return schema;
  const inner = required(schema.unwrap() as z.ZodType);
  return inner.meta({ ...inner.meta(), ...schema.meta() });
}

/** The options of an entry as the component has them. */
export function optionsIn(form: Form, entry: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (form.options.size === 0) return (entry[form.verb] ?? {}) as Record<string, unknown>;
  return optionsOf(form.options, entry);
}

const optionsOf = (keys: ReadonlyMap<string, string>, entry: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(entry).flatMap(([key, value]) => {
      const option = keys.get(key);
      return option === undefined ? [] : [[option, value] as const];
    }),
  );

/** What `input` may say besides. */
export const inputKeys = {
  filter: expression().optional().describe('Only the items for which this expression is true.'),
  limit: z.int().min(0).optional().describe('Read no more items than this.'),
};
