import { readFileSync } from 'node:fs';
import type { ErrorObject } from 'ajv';
import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { concurrencyOptions, type ConcurrencyOptions } from '../../core/concurrency.js';
import { defineStep } from '../../core/define.js';
import { BatchxError, messageOf } from '../../core/errors.js';
import { type Fault, unfit, valueAt } from '../../core/faults.js';
import type { Item } from '../../core/item.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { parseOptions } from '../../core/schema.js';
import { stage } from '../../core/stage.js';
import { isStandardSchema, type StandardSchema, standardCheck } from '../../core/standard-schema.js';
import { applied, type StepFunction } from '../../core/step.js';

/** A JSON Schema: an object, or `true`, which everything fits, or `false`, which nothing does. */
export type JsonSchema = boolean | Readonly<Record<string, unknown>>;

export const validateOptions = z.strictObject({
  schema: z
    .union([z.string().min(1, 'expected a path, got empty text'), z.boolean(), z.record(z.string(), z.unknown())])
    .meta({ place: 'pipeline' })
    .describe(
      'A JSON Schema (draft 2020-12, or draft-07 by its `$schema`), or the path of a JSON file that holds one.',
    ),
});

/**
 * Lets items go on whose data fits a schema; the others fail with the code `validation`, and each fault is named.
 *
 * With a Standard Schema (zod, valibot, ...; sync or async) its output becomes the data. With a JSON Schema, or the path
 * of a file that holds one, the data stays as it is, so that a row is written byte for byte as it was read, and order
 * is kept. Formats are checked, keywords that are not known are warned of. Items that had failed pass by; nothing is
 * held but what is being validated. A schema that is wrong throws when built, or, where only compiling shows it, is
 * the error of the Observable at the first item.
 *
 * ```
 * source      -a----b----c--|      b does not fit
 * validate    -a----x----c--|      x is the item b with an error
 * ```
 *
 * @example
 * import { literals, toArray, validate } from 'batchx';
 * import * as z from 'zod';
 *
 * literals([{ n: '1' }, { n: 'one' }])
 *   .pipe(validate(z.object({ n: z.coerce.number() })), toArray({ failed: 'skip' }))
 *   .subscribe((values) => console.log(values)); // [ { n: 1 } ]
 */
export function validate<Out>(
  schema: StandardSchema<Out>,
  options?: ConcurrencyOptions,
  runtime?: Runtime,
): OperatorFunction<Item, Item<Out>>;
export function validate<T>(
  schema: JsonSchema | string,
  options?: ConcurrencyOptions,
  runtime?: Runtime,
): OperatorFunction<Item<T>, Item<T>>;
export function validate(
  schema: StandardSchema | JsonSchema | string,
  options: ConcurrencyOptions = {},
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<Item, Item> {
  if (isStandardSchema(schema)) {
    const check = standardCheck(schema);
    return stage([applied(({ data }) => check(data), 'data')], options, 'validate');
  }
  const { ordered = true } = parseOptions(concurrencyOptions, options, 'validate');
  return stage([applied(byJsonSchema(schema, runtime), 'verdict')], { ...options, ordered }, 'validate');
}

export const validateStep = defineStep({
  name: 'validate',
  main: 'schema',
  status: 'stable',
  summary: 'Fails the items whose data does not fit a JSON Schema; the others go on, untouched.',
  gives: 'verdict',
  options: validateOptions,
  examples: [
    {
      title: 'Orders need an id and a total',
      options: {
        schema: {
          type: 'object',
          required: ['id', 'total'],
          properties: { id: { type: 'string' }, total: { type: 'number', minimum: 0 } },
        },
      },
    },
    { title: 'A schema in a file', options: { schema: 'order.schema.json' } },
  ],
  create: ({ schema }, runtime) => byJsonSchema(schema, runtime),
});

type Check = (data: unknown) => true;

function byJsonSchema(given: JsonSchema | string, runtime: Runtime): StepFunction {
  const schema: unknown = typeof given === 'string' ? readSchema(given) : given;
  if (!isJsonSchema(schema)) {
    const where = typeof given === 'string' ? ` in ${given}` : '';
    throw new BatchxError(
      'usage',
      `validate: expected a JSON Schema or a Standard Schema${where}, got ${JSON.stringify(schema) ?? typeof schema}`,
    );
  }
  const draft = draftOf(typeof schema === 'boolean' ? undefined : schema.$schema);
  let check: Check | undefined;
  let compiling: Promise<Check> | undefined;
  return ({ data }) => {
    if (check !== undefined) return check(data);
    compiling ??= compile(schema, draft, runtime).then((compiled) => (check = compiled));
    return compiling.then((compiled) => compiled(data));
  };
}

const isJsonSchema = (schema: unknown): schema is JsonSchema =>
  typeof schema === 'boolean' || (typeof schema === 'object' && schema !== null && !Array.isArray(schema));

function readSchema(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new BatchxError('usage', `validate: cannot read the schema in ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function draftOf($schema: unknown): '2020-12' | 'draft-07' {
  const name = typeof $schema === 'string' ? $schema.replace(/#$/, '') : $schema;
  if (name === undefined || name === 'https://json-schema.org/draft/2020-12/schema') return '2020-12';
  if (name === 'http://json-schema.org/draft-07/schema') return 'draft-07';
  throw new BatchxError(
    'usage',
    `validate: expected \`$schema\` to be of draft 2020-12 or draft-07, got ${JSON.stringify($schema)}`,
  );
}

/** Formats of the standard that ajv-formats does not know; text of any form passes. */
const unchecked = ['iri', 'iri-reference', 'idn-email', 'idn-hostname'];

async function compile(schema: JsonSchema, draft: '2020-12' | 'draft-07', runtime: Runtime): Promise<Check> {
  // Of a CommonJS module a bundle keeps nothing but the default, which is the whole of it.
  const [Ajv, { default: formats }] = await Promise.all([
    draft === '2020-12'
      ? import('ajv/dist/2020.js').then((ajv) => ajv.default.Ajv2020)
      : import('ajv').then((ajv) => ajv.default.Ajv),
    import('ajv-formats'),
  ]);
  const warn = (message: string): void => {
    runtime.events.emit('batch:warning', { message: `validate: ${message}` });
  };
  try {
    const ajv = new Ajv({
      allErrors: true,
      verbose: true,
      strict: false,
      strictSchema: 'log',
      logger: { log: warn, warn, error: warn },
    });
    formats.default(ajv);
    for (const format of unchecked) ajv.addFormat(format, true);
    const fits = ajv.compile(schema);
    if ('$async' in fits) throw new Error('`$async` is not part of JSON Schema');
    return (data) => {
      if (fits(data)) return true;
      throw unfit((fits.errors ?? []).map(faultOf));
    };
  } catch (error) {
    throw new BatchxError('usage', `validate: the schema is wrong: ${messageOf(error)}`, { cause: error });
  }
}

function faultOf({ instancePath, keyword, params, message = keyword, data }: ErrorObject): Fault {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const given = params as Readonly<Record<string, unknown>>;
  const extra = given.additionalProperty ?? given.unevaluatedProperty;
  if (typeof extra === 'string')
    return { path: [...path, extra], says: 'must not be there', value: valueAt(data, [extra]) };
  if (keyword === 'required')
    return { path: [...path, String(given.missingProperty)], says: 'must be there', value: undefined };
  if (keyword === 'enum')
    return { path, says: `must be one of ${JSON.stringify(given.allowedValues).slice(1, -1)}`, value: data };
  if (keyword === 'const') return { path, says: `must be ${JSON.stringify(given.allowedValue)}`, value: data };
  return { path, says: message, value: data };
}
