import type { BatchxError } from './errors.js';
import type { Item, SkipReason } from './item.js';
import { Outcome } from './outcome.js';

/** The open end of a sink; `T` is the data of the items that it is given. */
export interface SinkWriter<T = unknown> {
  /**
   * Writes the items of one block, in their order; done when the system has accepted them. An item that cannot be
   * written as it is goes to `refuse`, one that need not be written to `skip`, and the rest is written. What it throws
   * ends the run: then all items of the block stay pending, but those of which it has said before that they are `done`,
   * refused or skipped.
   */
  write(
    items: readonly Item<T>[],
    refuse: (index: number, error: BatchxError) => void,
    skip: (index: number, reason: SkipReason) => void,
    done: (index: number) => void,
  ): void | Promise<void>;
  /** Ends the output. `whole` says that the source came to its end: it neither failed nor was left. */
  close(whole: boolean): void | Promise<void>;
}

/**
 * Which items a sink is given to write: those that went well, those that failed or are in doubt, all but the skipped, or
 * all. What an earlier run has done, and is to be shown again, counts as what went well.
 */
export type Takes = 'ok' | 'failed' | 'settled' | 'all';

function isTaken({ status, item }: Outcome, takes: Takes): boolean {
  const shown = status === 'skipped' && item.extra.recalled === 'shown' ? 'ok' : status;
  return shown !== 'skipped' && (takes === 'settled' || (shown === 'ok') === (takes === 'ok'));
}

/**
 * Writes the items of a block that a sink takes. The outcomes of those that are refused are replaced in the block;
 * `known` gets the places of those that are settled, whatever becomes of the others.
 */
export function writeBlock(
  writer: SinkWriter,
  block: Outcome[],
  takes: Takes,
  known: Set<number>,
): void | Promise<void> {
  const items: Item[] = [];
  const places: number[] = [];
  for (let i = 0; i < block.length; i++) {
    const { item } = block[i] as Outcome;
    if (takes !== 'all' && !isTaken(block[i] as Outcome, takes)) continue;
    items.push(item);
    places.push(i);
  }
  if (items.length === 0) return;
  const replace = (index: number, outcome: Outcome): void => {
    const place = places[index] as number;
    outcome.settled = (block[place] as Outcome).settled;
    block[place] = outcome;
    known.add(place);
  };
  return writer.write(
    items,
    (index, error) => replace(index, new Outcome((items[index] as Item).fail(error), 'failed')),
    (index, reason) => replace(index, new Outcome((items[index] as Item).skip(reason), 'skipped')),
    (index) => known.add(places[index] as number),
  );
}
