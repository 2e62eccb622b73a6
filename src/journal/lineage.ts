import type { Identity } from '../core/identity.js';
import type { Item } from '../core/item.js';

/** What was made of others stands for them: by whom a job knows an item, those first that it is a part of. */
export function lineageOf({ extra: { identity, origin } }: Item): Identity[] {
  const above = origin?.parents?.flatMap(lineageOf) ?? [];
  return identity === undefined || identity.entry < 0 || above.includes(identity) ? above : [...above, identity];
}

/** By whom a job knows what an item is a part of, the first of all first. */
export const aboveOf = (item: Item): Identity[] => lineageOf(item).filter((each) => each !== item.extra.identity);
