import { Job } from './job.js';
import type { Slot, SlotWatcher } from './slot.js';

/**
 * Tells `watcher` when the slot's call is not wanted any more; at once when that is so already. Gives what takes it back,
 * where something has to be. A signal for each call would cost more than the call.
 */
export function watchSlot(slot: Slot, watcher: SlotWatcher): (() => void) | undefined {
  if (slot instanceof Job) {
    slot.watch(watcher);
    return undefined;
  }
  const { signal } = slot;
  const abandoned = (): void => watcher.abandoned();
  if (signal.aborted) abandoned();
  else signal.addEventListener('abort', abandoned);
  return () => signal.removeEventListener('abort', abandoned);
}

/** Whether the slot's call is still wanted. While a subscription ends some have not been told yet that it is not. */
export const isWanted = (slot: Slot): boolean => (slot instanceof Job ? slot.wanted : !slot.signal.aborted);
