import type { ChildProcess } from 'node:child_process';
import type { Command } from './command.js';
import type { Root } from './end-tree.js';
import type { ProcessSpec } from './process.js';

/** What a program is given for a standard stream. */
export type Given = 'ignore' | 'inherit' | 'pipe' | number;

/** A program that is to be started now. */
export interface Start {
  readonly command: Command;
  readonly spec: ProcessSpec;
  /** Numbers are descriptors of this process, and stay open until it has been started. */
  readonly stdio: readonly [Given, Given, Given];
  readonly mark: string;
}

export interface Exit {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** From the start to the exit. */
  readonly ms: number;
}

/** A program that runs, in a session of its own. */
export interface Program extends Root {
  /** Otherwise it never ran, and why is told by `exit`. */
  readonly started: boolean;
  readonly startedAt: number;
  /** The streams that Node has made for it. */
  readonly process: Pick<ChildProcess, 'stdin' | 'stdout' | 'stderr'>;
  /** Rejects when it could not be started, or when nobody knows how it ended. */
  readonly exit: Promise<Exit>;
  /** Lets go of what Node has made for it. */
  close(): void;
}
