import type { ItemChange } from './identity.js';
import type { Item, Metadata } from './item.js';
import type { Gives } from './step.js';

/** The item that a step's result stands for. */
export function itemOf(item: Item, result: unknown, gives: Gives): Item {
  if (gives === 'item') return result as Item;
  if (gives === 'verdict') return result ? item : item.skip('filtered');
  return result === undefined ? item.skip('filtered') : item.withData(result);
}

/** Whether a step has given data of its own, be they the same as those that it was given. */
export const hasOwnData = (item: Item, next: Item): boolean => next.data !== item.data || next.first !== item.first;

/** What is to be kept; undefined when the step has done more than change the data and note something. */
export function changeOf(item: Item, next: Item): ItemChange | undefined {
  const { extra } = item;
  const { metadata, ...others } = next.extra;
  const same = Object.entries(others).every(([name, value]) => extra[name as keyof typeof extra] === value);
  if (!next.live || !same) return undefined;
  const noted = Object.entries(metadata ?? {}).filter(([name, value]) => extra.metadata?.[name] !== value);
  return { ...(hasOwnData(item, next) && { data: next.data }), metadata: Object.fromEntries(noted) };
}

/** The item as it was changed before; `more` is noted besides. */
export function changed(item: Item, change: ItemChange, more: Metadata = {}): Item {
  const noted = item.withExtra({ metadata: { ...item.extra.metadata, ...change.metadata, ...more } });
  return 'data' in change ? noted.withData(change.data) : noted;
}
