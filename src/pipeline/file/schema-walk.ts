import type * as z from 'zod';

interface Def {
  readonly type: string;
  readonly innerType?: unknown;
  readonly options?: readonly unknown[];
  readonly element?: unknown;
  readonly valueType?: unknown;
}

const defOf = (schema: unknown): Def | undefined => (schema as { def?: Def } | undefined)?.def;

/** A schema without what says only that it may be missing. */
export function bare(schema: unknown): unknown {
  const def = defOf(schema);
  return def?.innerType === undefined ? schema : bare(def.innerType);
}

/** The schema of what is behind a key; of a union the form that the value is of. */
export function childOf(schema: unknown, part: string | number, value: unknown): unknown {
  const inner = bare(schema);
  const def = defOf(inner);
  const child =
    def?.element ?? def?.valueType ?? (inner as { shape?: Record<string, unknown> } | undefined)?.shape?.[String(part)];
  const found = bare(child);
  const forms = defOf(found)?.options;
  if (forms === undefined || typeof value !== 'object' || value === null) return found;
  const keys = Object.keys(value);
  const shapes = forms.map(bare).filter((form) => (form as { shape?: object }).shape !== undefined);
  const title = (form: unknown): string => (form as z.ZodType).meta()?.title ?? '';
  const misfits = (form: unknown): number => {
    const { shape } = form as { shape: Record<string, z.ZodType> };
    const missing = Object.keys(shape).filter(
      (key) => !keys.includes(key) && !shape[key]?.safeParse(undefined).success,
    );
    return missing.length + keys.filter((key) => !Object.hasOwn(shape, key)).length;
  };
  return shapes.find((form) => keys.includes(title(form))) ?? shapes.sort((a, b) => misfits(a) - misfits(b))[0];
}
