/** What a step has made of an item, as data that can be kept. */
export interface ItemChange {
  /** Missing when the step leaves the data as they were. */
  readonly data?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A file that was written for an item. */
export interface OutputFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** By what an item is known in its job, wherever it stands in the input. */
export interface Identity {
  /** 64 bits of a hash of its id, or of its content where it has none, in hexadecimal. */
  readonly key: string;
  /** The same of its content. */
  readonly fingerprint: string;
  /** Of a file the same of its size and times: while those are as they were its content need not be read. */
  readonly times: string | undefined;
  /** The number of its entry in the table of the job. */
  readonly entry: number;
  /** What steps have made of it in earlier runs, by their links: they are not done again. */
  readonly kept?: ReadonlyMap<string, ItemChange> | undefined;
  /** Whether files are not as they were written for it: what writes them is done again. */
  readonly remakes?: boolean | undefined;
  /** The files that have been written for it; undefined as long as there are none. */
  outputs: OutputFile[] | undefined;
  /** Whether it is noted how it has ended. */
  ended?: boolean | undefined;
}
