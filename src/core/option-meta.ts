import type * as z from 'zod';
import type { ExpressionMeta } from './expression.js';

/** What is told of an option to those who prepare its value, such as a pipeline file. */
export interface OptionMeta extends Partial<ExpressionMeta> {
  /** It is a template: of the data of an item, or a command, which has placeholders too. */
  readonly template?: true | 'command';
  /**
   * It is a path: of what is written, which in a pipeline lies in its output folder, or of a part of the pipeline, seen
   * from the folder of its file.
   */
  readonly place?: 'output' | 'pipeline';
}

/**
 * What is told of an option, at whatever depth of its schema: of one that may be missing, of one form of several, or of
 * the values of a record or an array.
 */
export function metaOf(schema: z.ZodType): OptionMeta {
  const found = (schema.meta() ?? {}) as OptionMeta;
  const { innerType, valueType, element, options } = schema.def as {
    readonly innerType?: z.ZodType;
    readonly valueType?: z.ZodType;
    readonly element?: z.ZodType;
    readonly options?: readonly z.ZodType[];
  };
  const within = innerType ?? valueType ?? element;
  const inner = within === undefined ? {} : metaOf(within);
  const forms = options?.map(metaOf).find((form) => form.expression !== undefined || form.template !== undefined);
  const { expression = inner.expression ?? forms?.expression } = found;
  const { template = inner.template ?? forms?.template } = found;
  const { place = inner.place ?? forms?.place } = found;
  return { ...(expression && { expression }), ...(template && { template }), ...(place && { place }) };
}
