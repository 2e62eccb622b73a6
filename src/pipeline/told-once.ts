import type { BatchxError } from '../core/errors.js';
import type { Item } from '../core/item.js';
import type { Runtime } from '../core/runtime.js';

/**
 * Counts for how many items something went wrong that they went on from, and warns of it once, when the run is over: as
 * `what` says of so many items, with the first one's error and place.
 */
export function toldOnce(
  what: (items: string) => string,
  { events }: Runtime,
): (error: BatchxError, item: Item) => void {
  let count = 0;
  let first: { readonly where: string; readonly message: string } | undefined;
  const stop = events.on('batch:end', () => {
    stop();
    if (first === undefined) return;
    const items = count === 1 ? '1 item' : `${count.toLocaleString('en')} items`;
    events.emit('batch:warning', { message: `${what(items)}; the first: ${first.message}`, where: first.where });
  });
  return ({ message }, item) => {
    count++;
    first ??= { message, where: item.where ?? item.id };
  };
}
