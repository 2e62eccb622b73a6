/** An argument of a program: text, or bytes where a name is not UTF-8. */
export type Argument = string | Uint8Array;

/** A program to run: exactly these arguments, no shell. */
export interface ProcessSpec {
  /** The program, looked up in the PATH of `env` unless it has a slash, and its arguments. */
  readonly argv: readonly [Argument, ...Argument[]];
  /** The folder to run in; unless said that of batchx. */
  readonly cwd?: string;
  /** The whole environment. A mark, by which its children are found again, is added. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Nothing, that of batchx, or these bytes; an iterable is asked for more only when the program reads. */
  readonly stdin: 'none' | 'inherit' | Uint8Array | AsyncIterable<Uint8Array>;
  readonly stdout: Wanted;
  readonly stderr: Wanted;
  /**
   * Is given how it ended and what it had written, when it was given up after it had begun. Who takes that has to
   * dispose of it.
   */
  readonly onGivenUp?: (end: ProcessEnd) => void;
}

/** What becomes of what a program writes: thrown away, let through to where batchx writes, or kept. */
export type Wanted = 'ignore' | 'inherit' | Keep;

export interface Keep {
  /** How many bytes are held in memory. */
  readonly keep: number;
  /** Whether the rest goes to a temporary file; otherwise it is only counted. */
  readonly spool: boolean;
  /** Gets each read besides. Until a promise is resolved the program may have to wait. */
  readonly onBytes?: (bytes: Uint8Array) => void | Promise<void>;
}

/** What a program wrote to one of its outputs. */
export interface Captured {
  /** How many bytes it wrote, kept or not. */
  readonly size: number;
  /** The first of them, as many as were to be kept in memory. */
  readonly kept: Uint8Array;
  /** All that was kept or spooled, in order, in blocks of 64 KB at most; as often as it is called, until `dispose`. */
  blocks(): AsyncIterable<Uint8Array>;
  /** Closes the temporary file, if there is one. */
  dispose(): void;
}

/** How a program ended: with an exit code, or by a signal. */
export interface ProcessEnd {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: Captured;
  readonly stderr: Captured;
  /** From its start to its exit, by the runtime's clock. */
  readonly ms: number;
  /** When it was started, by the time of day. */
  readonly startedAt: number;
}

/** Runs programs. */
export interface ProcessStarter {
  /**
   * Runs a program to its end. That it fails is a result too: what rejects is that it could not be started, that its
   * output could not be kept, what `onBytes` or the iterable of its stdin threw, or that the signal fired. By then its
   * whole tree of processes has been ended.
   */
  run(spec: ProcessSpec, signal: AbortSignal): Promise<ProcessEnd>;
}
