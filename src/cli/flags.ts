import * as z from 'zod';

/** What a flag says of itself beside its schema. */
export interface FlagMeta {
  readonly alias?: string;
  /** What stands for its value in the help. */
  readonly value?: string;
  /** What to do when the value that is wanted is not UTF-8; to choose another unless said. */
  readonly instead?: string;
}

/** One flag, as parsing, help and completion see it. */
export interface Flag extends FlagMeta {
  readonly name: string;
  readonly description: string;
  /** Whether it is a switch; otherwise it has a value. */
  readonly boolean: boolean;
  readonly choices: readonly string[];
  /** Whether it may be given several times, each time with another value. */
  readonly repeatable: boolean;
  /** Whether `--no-NAME` says something that is not so anyway. */
  readonly negatable: boolean;
}

/** Gives a flag its description and what else it says of itself. A flag that is no switch gets its value as text. */
export const flag = <S extends z.ZodType>(schema: S, description: string, meta: FlagMeta = {}): S =>
  schema.describe(description).meta({ ...meta, description });

/** What every command has that could be a pipeline. */
export const printPipelineFlag = flag(
  z.boolean().default(false),
  'Print the file of a pipeline that does the same, for `batchx run`, and do nothing else.',
);

/** The flags of a schema, in its order. */
export function flagsOf(schema: z.ZodObject): readonly Flag[] {
  return Object.entries(schema.shape).map(([name, type]) => {
    const { description = '', ...meta } = (type as z.ZodType).meta() as FlagMeta & { description?: string };
    const inner = innermost(type as z.ZodType);
    const boolean = inner instanceof z.ZodBoolean;
    const choices = inner instanceof z.ZodEnum ? inner.options.map(String) : [];
    const repeatable = inner instanceof z.ZodArray;
    const on = boolean && type instanceof z.ZodDefault && type.def.defaultValue === true;
    return { ...meta, name, description, boolean, choices, repeatable, negatable: on || choices.includes('none') };
  });
}

function innermost(type: z.ZodType): z.ZodType {
  return type instanceof z.ZodOptional || type instanceof z.ZodDefault ? innermost(type.unwrap() as z.ZodType) : type;
}
