import * as z from 'zod';
import type { Registry } from '../../core/registry.js';
import { fileSchemaOf } from './file-schema.js';

/** What we tell of options for ourselves, which is no part of JSON Schema. */
const OWN = ['expression', 'template', 'place'];

/** The JSON Schema of pipeline files, by which editors complete and explain each key. */
export function pipelineJsonSchema(registry: Registry): object {
  return z.toJSONSchema(fileSchemaOf(registry).schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      for (const key of OWN) Reflect.deleteProperty(jsonSchema, key);
      // What only code can give, such as a function, cannot be written in a file.
      if (zodSchema._zod.def.type === 'custom') jsonSchema.not = {};
      if (isInfinite(zodSchema._zod.def)) {
        Reflect.deleteProperty(jsonSchema, 'const');
        Object.assign(jsonSchema, { type: 'number', minimum: Number.MAX_VALUE });
      }
    },
  });
}

/** JSON has no such number, and `null` in its place would be wrong. YAML has: `.inf`. */
const isInfinite = (def: { readonly type: string; readonly values?: readonly unknown[] }): boolean =>
  def.type === 'literal' && def.values?.includes(Infinity) === true;
