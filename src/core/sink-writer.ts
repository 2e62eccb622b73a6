import type { BatchxError } from './errors.js';
import type { Item } from './item.js';
import { Outcome } from './outcome.js';

/** The open end of a sink; `T` is the data of the items that it is given. */
export interface SinkWriter<T = unknown> {
  /**
   * Writes the items of one block, in their order; done when the system has accepted them. An item that cannot be
   * written as it is goes to `refuse`, and the rest is written. What it throws ends the run.
   */
  write(items: readonly Item<T>[], refuse: (index: number, error: BatchxError) => void): void | Promise<void>;
  /** Ends the output. `whole` says that the source came to its end: it neither failed nor was left. */
  close(whole: boolean): void | Promise<void>;
}

/** Writes the items of a block that a sink takes. The outcomes of those that are refused are replaced in the block. */
export function writeBlock(writer: SinkWriter, block: Outcome[], takes: 'ok' | 'failed'): void | Promise<void> {
  const items: Item[] = [];
  const places: number[] = [];
  for (let i = 0; i < block.length; i++) {
    const { status, item } = block[i] as Outcome;
    if (status === 'ok' ? takes !== 'ok' : takes !== 'failed' || status === 'skipped') continue;
    items.push(item);
    places.push(i);
  }
  if (items.length === 0) return;
  return writer.write(items, (index, error) => {
    const place = places[index] as number;
    const refused = new Outcome((items[index] as Item).fail(error), 'failed');
    refused.settled = (block[place] as Outcome).settled;
    block[place] = refused;
  });
}
