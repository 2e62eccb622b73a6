import type { Registry } from '../core/registry.js';
import { BatchxError } from '../core/errors.js';
import { rateText } from '../core/rate.js';
import { toMs } from '../core/schema.js';
import { entryOf } from '../pipeline/file/entry-of.js';
import type { Keys } from '../pipeline/file/pipeline-file.js';
import { haltText } from '../pipeline/halt-rule.js';
import type { Plan, StepUse, Use } from '../pipeline/plan.js';

/** A plan as the keys of a pipeline file that does the same. What a file cannot say throws. */
export function keysOf(plan: Plan, registry: Registry): Keys {
  const { limit, concurrency, halt, retryInDoubt, total, sinks } = plan;
  const rules = haltText(halt, total);
  return {
    input: { ...inputOf(plan.sources, registry), ...(limit !== undefined && { limit }) },
    ...(concurrency !== undefined && { concurrency }),
    steps: [
      ...(retryInDoubt === true ? [{ retryInDoubt: {} }] : []),
      ...plan.steps.map((use) => stepOf(use, plan, registry)),
    ],
    output: sinks.map(({ name, options }) => entryOf(registry.get('sink', name), options)),
    ...(rules !== '' && { halt: rules }),
  };
}

/** A file has one source. */
export function inputOf([first, ...more]: readonly Use[], registry: Registry): Keys {
  if (first !== undefined && more.length === 0) {
    const { path } = first.options;
    const [only, ...others] = Array.isArray(path) ? (path as unknown[]) : [];
    const options = only === undefined || others.length > 0 ? first.options : { ...first.options, path: only };
    return entryOf(registry.get('source', first.name), options);
  }
  const formats = [first, ...more].map((use) => use?.name ?? 'none').join(', ');
  throw new BatchxError(
    'usage',
    `expected inputs of one format, got ${formats}: the file of a pipeline has one source; give them one by one, or say the format of all by --in`,
  );
}

function stepOf({ name, options, policies = {} }: StepUse, { ordered }: Plan, registry: Registry): Keys {
  const { rate, timeout, retry } = policies;
  const definition = registry.get('step', name);
  // A step that only works in memory keeps the order unless told not to.
  const inMemory = definition.workers === undefined;
  return {
    ...entryOf(definition, options),
    ...((ordered === true || inMemory) && { ordered: ordered === true }),
    ...(timeout !== undefined && { timeout }),
    ...(retry !== undefined && { retry }),
    ...(rate !== undefined && { rate: rateOf(rate) }),
  };
}

/** A delay is a rate of one in such a time. */
function rateOf(rate: NonNullable<StepUse['policies']>['rate']): string {
  if (typeof rate === 'string') return rate;
  const { per = '1s' } = rate as { readonly per?: string };
  const text = `1/${per}`;
  return rateText().safeParse(text).success ? text : `1/${toMs(per)}ms`;
}
