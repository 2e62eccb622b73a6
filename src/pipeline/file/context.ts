import type { PipelineContext } from './pipeline-context.js';
import type { Runtime } from '../../core/runtime.js';
import { declaredEnv } from './check-entries.js';
import { asKeys, type Entry, type PipelineFile, recipesIn } from './pipeline-file.js';
import { filledIn } from './prepare-options.js';

/** `run.stamp` is the time at which it began, as `20261120-140210`, in the time of UTC; in a job that of its first run. */
export function contextOf(file: PipelineFile, runtime: Runtime, given?: string): PipelineContext {
  const now = new Date(runtime.wallNow())
    .toISOString()
    .replace(/[-:]|\.\d+Z$/g, '')
    .replace('T', '-');
  const stamp = given ?? now;
  const id = `${now}-${Math.floor(runtime.random() * 36 ** 4)
    .toString(36)
    .padStart(4, '0')}`;
  const names = declaredEnv(file);
  return {
    config: asKeys(file.keys.config),
    env: Object.fromEntries(names.map((name) => [name, runtime.env[name]])),
    run: { id, stamp },
  };
}

/** What the steps of a recipe may name: its own config, and the variables that it declares. */
export function contextIn({ recipe }: Entry, context: PipelineContext, runtime: Runtime): PipelineContext {
  if (recipe === undefined) return context;
  const config = filledIn(recipe.config, context) as PipelineContext['config'];
  return { ...contextOf({ ...recipe.file, keys: { ...recipe.file.keys, config } }, runtime), run: context.run };
}

/** The variables whose values are shown nowhere: those of its recipes too. */
const secretNames = (file: PipelineFile): string[] =>
  [file, ...recipesIn(file)].flatMap(({ keys: { secrets } }) =>
    (Array.isArray(secrets) ? (secrets as unknown[]) : []).filter((name) => typeof name === 'string'),
  );

/** The values that are shown nowhere. */
export const secretsOf = (file: PipelineFile, { env }: Runtime): string[] =>
  secretNames(file).flatMap((name) => env[name] ?? []);

/** The environment as commands see it: a secret only where their step names it. */
export function withoutSecrets(file: PipelineFile, { env }: Runtime): Runtime['env'] {
  const hidden = new Set(secretNames(file));
  return hidden.size === 0 ? env : Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.has(name)));
}
