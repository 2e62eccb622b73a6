import type { SchedulerLike } from 'rxjs';
import type { Durability } from './append-file.js';

export interface JobOptions {
  /** Where it is kept: `.batchx/<name>`. */
  readonly folder: string;
  readonly name: string;
  /** What each step does, with all steps before it; the first link is that of what is read. */
  readonly chain: readonly string[];
  readonly version: string;
  /** The time of day, as ISO 8601 says it. */
  readonly at: string;
  readonly stamp: string;
  readonly durability?: Durability | undefined;
  /** The command line, and where it was given. */
  readonly args?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
  readonly scheduler: SchedulerLike;
  readonly random: () => number;
  /** Whether items are done some time after they were looked up: then somebody calls `start` for each. */
  readonly startsLater?: boolean | undefined;
  /** Whether items are split: what is known of parts is counted with what is known of items. */
  readonly parts?: boolean | undefined;
  /** Fires when the run is to end. */
  readonly stopping: AbortSignal;
  /** Hides secrets. */
  readonly redact: (text: string) => string;
  /** Takes it over from whoever has it. */
  readonly force?: boolean | undefined;
  /** Throws when no earlier run has left anything to do. */
  readonly resume?: boolean | undefined;
  /** Begins anew when the job is complete. */
  readonly anew?: boolean | undefined;
  /** Forgets what is known, and begins anew. */
  readonly fresh?: boolean | undefined;
}
