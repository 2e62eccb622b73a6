import type { Item } from '../core/item.js';
import type { Job } from './job.js';
import type { ReadLine } from './results-file.js';

/** What is done with what earlier runs have left. */
export interface RecallOptions {
  /** Which of those that did not go well are run again; none unless said. */
  readonly retry?: 'failed' | 'in-doubt' | 'all' | undefined;
  /** Whether what was done earlier is shown again, so that its results are needed. */
  readonly replay: boolean;
  /** Whether something is made of the results of all items. */
  readonly aggregates?: boolean | undefined;
  /** Whether the results of all items are needed at the end, to write an output anew. */
  readonly needs: boolean;
  /** Whether the files that were written for an item are still there; undefined when they need not be. */
  readonly intact?: ((line: ReadLine) => Promise<boolean> | boolean) | undefined;
  /** Whether items are split, and the parts of those that were done are to come by again. */
  readonly splits?: boolean | undefined;
  /** Whether something is made of several items: those are done as long as all of them are as they were. */
  readonly gathers?: boolean | undefined;
  /** Whether what becomes of an item depends on those before it. */
  readonly remembers?: boolean | undefined;
  /** Whether only some items are read: the others are not gone. */
  readonly part?: boolean | undefined;
  /** What becomes of an item with the key of another one before it, but with other content. */
  readonly onDuplicate?: 'error' | 'first' | undefined;
  /** Whether items can be done one at a time, as nothing waits for several of them. */
  readonly alone?: boolean | undefined;
  /** Told of each item that was looked up, as it goes on, and what is known of it. */
  readonly tell?: ((recalled: Recalled, item: Item) => void) | undefined;
}

/**
 * What is known of an item: that it has its end (`done`, `failed`, `in-doubt`, `deferred`), that it has none (`new`, or
 * `begun` by a run that ended before it), or why it is to be done again although it had one: another `content`, be it of
 * one that it was put together with, another `step`, `outputs` that are not there, a `result` that is needed and was not kept. Or it has the key of one before it,
 * with the same content (`duplicate`) or another one (`same-id`). What ends the process each time that it is done is
 * `poison`.
 */
export type Recalled =
  | 'done'
  | 'failed'
  | 'in-doubt'
  | 'deferred'
  | 'new'
  | 'begun'
  | 'content'
  | 'step'
  | 'outputs'
  | 'result'
  | 'duplicate'
  | 'poison'
  | 'same-id';

/** What is needed of a job to look up its items: one that is only looked at will do. */
export type RecallJob = Pick<Job, 'table' | 'results' | 'chain' | 'state' | 'superseded' | 'touch'> &
  Partial<Pick<Job, 'running'>>;

export function told({ tell }: RecallOptions, recalled: Recalled, item: Item): Item {
  tell?.(recalled, item);
  return item;
}
