import type { ByteWriter } from './bytes-out.js';
import type { OutputFile } from './identity.js';
import type { Item } from './item.js';
import type { ItemChange } from './identity.js';

/** What keeps the state of a job, as those see it who do its work. */
export interface Durable {
  /** How the names of temporary files go on behind their beginning. */
  readonly mark: string;
  /** Notes what the processes have in their environment that are started from now on: a later run ends those that this one left. */
  processes(mark: string): void;
  /** Done when it is on the disk that a call begins for an item which must not be done twice. */
  intend(item: Item, step: string): Promise<void>;
  /** What a step has made of an item in an earlier run, by the link of the step; undefined when nothing was kept. */
  keptOf(item: Item, link: string): ItemChange | undefined;
  /** Keeps what a step has made of an item. */
  keepStep(item: Item, link: string, change: ItemChange): void;
  /** Notes that temporary files are made in a folder: a later run removes those that this one could not. */
  folder(path: string): void;
  /** Done when it is on the disk that a file is the item's own, which gets its name next. Throws when another run has taken over. */
  ready(item: Item, file: OutputFile): Promise<void>;
  /**
   * Whether what is at a path was written there by this job, for the same item or for one that is not to have it any more:
   * then it is the item's own from then on.
   */
  owns(item: Item, path: string): boolean;
  /** Which other item of this job has what is at a path, in words. */
  holder(item: Item, path: string): string | undefined;
  /** True while one item is to be done and nothing beside it: then nothing waits for others, as none come. */
  readonly alone: boolean;
  /** Calls `listener` each time that this begins; gives what ends that. */
  onAlone(listener: () => void): () => void;
  /** Opens an output to which lines are added: what it has of what was done before stays. */
  append(path: string): Promise<ByteWriter>;
}
