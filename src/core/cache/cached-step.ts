import type * as z from 'zod';
import { classOf } from '../error-class.js';
import { BatchxError } from '../errors.js';
import type { Item } from '../item.js';
import type { ItemChange } from '../identity.js';
import { changed, changeOf, itemOf } from '../item-change.js';
import type { StepDefinition } from '../define.js';
import type { Runtime } from '../runtime.js';
import { type Applied, applied, type Gives, type StepFunction } from '../step.js';
import type { Cache, Made } from './cache.js';

/** What is said of a step whose results cannot be kept. */
export const uncacheable = ({ name }: { readonly name: string }): string =>
  `\`cache\` is for steps that reach outside, such as \`exec\` and \`http\`: the results of \`${name}\` are not kept`;

/** Of what a step's results are kept. */
export interface CachedStep {
  readonly cache: Cache;
  /** What the step is called, for those who listen. */
  readonly name: string;
  /** What the result of an item's call depends on: plain data, or the promise of them. */
  readonly keyOf: (item: Item) => unknown;
}

/**
 * Runs a step's work only for items for which nothing equal has been done: otherwise its result is taken from the cache,
 * with `cached: true` in the item's metadata. Gives items, whatever the step gives.
 *
 * It stands around all policies, so that what is found waits for no rate and no breaker. What a call depends on is looked
 * at again after it: when that has changed meanwhile, as a file that was written, the result is not kept.
 */
export function cachedStep(run: StepFunction, gives: Gives, { cache, name, keyOf }: CachedStep): StepFunction {
  const hashOf = async (item: Item): Promise<string | undefined> => {
    try {
      return cache.keyOf(await keyOf(item));
    } catch (error) {
      // The call itself is tried again when there are no files left to open.
      if ((error instanceof BatchxError ? error.class : classOf(error)) === 'resource') return undefined;
      throw error;
    }
  };
  return async (item, slot) => {
    const key = await hashOf(item);
    if (key === undefined) return itemOf(item, await run(item, slot), gives);
    const make = async (): Promise<Made<Item>> => {
      const result = itemOf(item, await run(item, slot), gives);
      const value = changeOf(item, result);
      return { result, entry: value !== undefined && (await hashOf(item)) === key ? { value } : undefined };
    };
    const once = await cache.once(key, make, slot);
    const hit = 'found' in once;
    cache.runtime.events.emit('batch:cache', { item, step: name, hit });
    return hit ? changed(item, once.found as ItemChange, { cached: true }) : once.result;
  };
}

/** The calls of a step as they are applied to items: through a cache, if there is one. */
export function appliedThrough<S extends z.ZodObject>(
  cache: Cache | undefined,
  call: StepFunction,
  { name, gives, cacheKey }: Pick<StepDefinition<S>, 'name' | 'gives' | 'cacheKey'>,
  options: z.output<S>,
  runtime: Runtime,
): Applied {
  if (cache === undefined) return applied(call, gives);
  const dependsOn = cacheKey?.(options, runtime);
  if (dependsOn === undefined) throw new BatchxError('usage', uncacheable({ name }));
  const keyOf = async (item: Item): Promise<unknown> => [name, await dependsOn(item)];
  return applied(cachedStep(call, gives, { cache, name, keyOf }), 'item');
}
