import * as z from 'zod';
import type { Registry } from '../../core/registry.js';
import {
  type ComponentDescription,
  describeComponent,
  describeOptions,
  type OptionDescription,
} from '../../report/components.js';
import { entryOf } from './entry-of.js';
import { type FileSchema, fileSchemaOf, type Part } from './file-schema.js';
import type { Form } from './forms.js';
import { policyKeys, stepKeys } from './keys.js';

/** A component as it is written in a pipeline file. */
export interface FormDescription extends ComponentDescription {
  /** The key that it is known by, and the one that it stands under. */
  readonly verb: string;
  readonly part: Part;
  /** Its own keys, the verb first; `batch.size` where they stand behind the verb. */
  readonly keys: readonly OptionDescription[];
  /** The keys that others have as well. */
  readonly common: readonly string[];
  /** Its examples as pipeline files have them. */
  readonly entries: readonly { readonly title: string; readonly pipeline: Readonly<Record<string, unknown>> }[];
}

/** A key of a pipeline file, with the keys that may be behind it. */
export interface KeyDescription extends OptionDescription {
  readonly keys: readonly OptionDescription[];
}

/** All that a pipeline file may say. */
export interface FileDescription {
  readonly forms: readonly FormDescription[];
  /** What stands where a component could: `pipeline` among the steps, `report` among the outputs. */
  readonly special: readonly (KeyDescription & { readonly part: Part })[];
  /** The keys of the top of the file. */
  readonly top: readonly KeyDescription[];
  /** The keys of every step; those that say how calls are tried are among the ones of the top too. */
  readonly step: readonly KeyDescription[];
  /** The keys of an input besides those of its source, and of an aggregate besides its own. */
  readonly input: readonly KeyDescription[];
  readonly aggregate: readonly KeyDescription[];
}

const PARTS: readonly Part[] = ['input', 'steps', 'output', 'aggregate'];

/** Describes pipeline files from the schema and the definitions alone. */
export function describeFile(registry: Registry): FileDescription {
  const file = fileSchemaOf(registry);
  const own = {
    ...stepKeys,
    ...Object.fromEntries(Object.keys(policyKeys).map((key) => [key, stepKeys[key as keyof typeof policyKeys]])),
  };
  return {
    forms: PARTS.flatMap((part) => file.forms[part].map((form) => describeForm(form, part))),
    special: specialOf(file),
    // Behind `pipelines` stand the same keys.
    top: describeKeys(file.schema.shape as z.ZodRawShape).map((key) =>
      key.name === 'pipelines' ? { ...key, keys: [] } : key,
    ),
    step: describeKeys(own),
    input: commonOf(file.forms.input),
    aggregate: commonOf(file.forms.aggregate),
  };
}

function describeForm(form: Form, part: Part): FormDescription {
  const { definition, schema, verb, options, common } = form;
  // What only code can give, such as a function, cannot be written.
  const all = describeOptions(schema).filter(
    ({ name }) => !isOfCode((schema.shape as z.ZodRawShape)[name] as z.ZodType),
  );
  const beside = all.filter(({ name }) => name !== verb && options.has(name));
  const first = all.filter(({ name }) => name === verb);
  const inside =
    options.size > 0
      ? []
      : describeOptions(definition.options).map((each) => ({ ...each, name: `${verb}.${each.name}` }));
  const entries = definition.examples.map(({ title, options: given }) => {
    const entry = entryOf(definition, given);
    return { title, pipeline: { [part]: part === 'input' ? entry : [entry] } };
  });
  const keys = [...first, ...beside, ...inside].map((key) => (key.name === verb ? { ...key, required: true } : key));
  return { ...describeComponent(definition), verb, part, keys, common: [...common], entries };
}

/** The keys that all forms of a part have. */
const commonOf = (forms: readonly Form[]): KeyDescription[] =>
  describeKeys(
    Object.fromEntries(
      forms.flatMap(({ common, schema }) =>
        [...common].map((key) => [key, (schema.shape as z.ZodRawShape)[key] as z.ZodType]),
      ),
    ),
  );

function specialOf({ schema, special }: FileSchema): FileDescription['special'] {
  return PARTS.flatMap((part) =>
    special[part].map((verb) => {
      const list = (schema.shape as Record<string, z.ZodType>)[part] as z.ZodOptional<z.ZodArray<z.ZodUnion>>;
      const form = list
        .unwrap()
        .element.options.find((each) => (each as z.ZodType).meta()?.title === verb) as z.ZodObject;
      const [key, ...others] = describeOptions(form);
      return { ...(key as OptionDescription), keys: others, part };
    }),
  );
}

const describeKeys = (shape: z.ZodRawShape): KeyDescription[] =>
  describeOptions(z.strictObject(shape)).map((key) => ({ ...key, keys: keysBehind(shape[key.name] as z.ZodType) }));

/** The keys that may be behind a key, in any of its forms; none behind those that hold components. */
function keysBehind(schema: z.ZodType): OptionDescription[] {
  const { innerType, options, valueType, element } = schema.def as {
    readonly innerType?: z.ZodType;
    readonly options?: readonly z.ZodType[];
    readonly valueType?: z.ZodType;
    readonly element?: z.ZodType;
  };
  if (schema instanceof z.ZodObject) return describeOptions(schema).filter(({ description }) => description !== '');
  const within = innerType ?? valueType;
  if (element !== undefined) return [];
  if (within !== undefined) return keysBehind(within);
  // Forms of components have titles, and are described as such.
  if (options === undefined || options.every((option) => isForm(option))) return [];
  const kinds = options.map(keysBehind).filter((keys) => keys.length > 0);
  const all = kinds.flat();
  // What one form needs another may do without.
  const needed = (name: string): boolean =>
    kinds.every((keys) => keys.some((key) => key.name === name && key.required));
  return all
    .filter(({ name }, index) => all.findIndex((each) => each.name === name) === index)
    .map((key) => ({ ...key, required: needed(key.name) }));
}

function isOfCode(schema: z.ZodType): boolean {
  const { type, innerType } = schema.def as { readonly type: string; readonly innerType?: z.ZodType };
  return innerType === undefined ? type === 'custom' : isOfCode(innerType);
}

const isForm = (schema: z.ZodType): boolean =>
  schema instanceof z.ZodObject && schema.meta()?.description !== undefined;
