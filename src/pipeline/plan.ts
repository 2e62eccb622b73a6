/** A component by its name, with the options that its schema will parse. */
export interface Use {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a run consists of: the form into which commands, and files, are brought before they are compiled. */
export interface Plan {
  readonly name: string;
  /** Read one after another. */
  readonly sources: readonly Use[];
  /** Read no more items than this. */
  readonly limit?: number | undefined;
  readonly steps: readonly Use[];
  readonly concurrency?: number | undefined;
  readonly ordered: boolean;
  /** Stop at the first failure. */
  readonly strict: boolean;
  /** In their order; the last one settles the items. */
  readonly sinks: readonly Use[];
}
