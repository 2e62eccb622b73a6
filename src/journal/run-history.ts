import type { JournalReader } from './read-journal.js';
import type { DoneAs, EndedHow, JournalRecord } from './records.js';

/** A run, as the journal of its job tells of it. */
export interface RunOfJob {
  readonly at: string;
  readonly epoch: number;
  readonly pid: number;
  readonly args: readonly string[] | undefined;
  readonly cwd: string | undefined;
  /** Whether items were split in it: what came of parts is counted, too. */
  readonly parts?: true | undefined;
  /** What came of items in it, and of the parts of them, by how they ended. */
  readonly ended: Readonly<Record<DoneAs, number>>;
  /** How it ended; undefined when it died, or is still going on. */
  readonly how: EndedHow | undefined;
}

const NONE: Readonly<Record<DoneAs, number>> = { ok: 0, skipped: 0, failed: 0, 'in-doubt': 0, deferred: 0 };

type Growing = { -readonly [K in keyof RunOfJob]: RunOfJob[K] } & { ended: Record<DoneAs, number> };

/** Reads of a journal which runs there were. */
export class RunHistory implements JournalReader {
  readonly #runs: Growing[] = [];
  /** What has ended since the last commit: without one it does not count. */
  #pending = { ...NONE };

  /** The runs, the oldest first. */
  get runs(): readonly RunOfJob[] {
    return this.#runs;
  }

  /** Takes runs that another one has read, to add others to them. */
  restore(runs: readonly RunOfJob[]): void {
    this.#runs.push(...runs.map((run) => ({ ...run, ended: { ...run.ended } })));
  }

  record(record: JournalRecord): void {
    const last = this.#runs.at(-1);
    switch (record.t) {
      case 'run': {
        const { at, epoch, pid, args, cwd, parts } = record;
        this.#runs.push({ at, epoch, pid, args, cwd, parts, ended: { ...NONE }, how: undefined });
        this.#pending = { ...NONE };
        break;
      }
      case 'done':
        this.#pending[record.as] += record.r.length;
        break;
      case 'commit':
        if (last !== undefined) for (const as of WORDS) last.ended[as] += this.#pending[as];
        this.#pending = { ...NONE };
        break;
      case 'end':
        if (last !== undefined) last.how = record.how;
        break;
      default:
    }
  }
}

const WORDS = Object.keys(NONE) as DoneAs[];

/** Reads a journal into several at once. */
export const together = (...readers: readonly JournalReader[]): JournalReader => ({
  record: (record) => {
    for (const reader of readers) reader.record(record);
  },
});
