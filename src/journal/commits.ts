import { openSync } from 'node:fs';
import { join } from 'node:path';
import { firstValueFrom, type SchedulerLike } from 'rxjs';
import { BatchxError } from '../core/errors.js';
import { wait } from '../core/wait.js';
import type { AppendFile } from './append-file.js';
import { compact, compactAtEnd, type CompactOptions, isDue } from './compact.js';
import { type Done, DoneRecords } from './done-records.js';
import { GroupCommit } from './group-commit.js';
import type { ItemTable } from './item-table.js';
import { JOURNAL } from './job-files.js';
import type { JobOutputs } from './job-outputs.js';
import type { JournalFile } from './journal-file.js';
import type { Lock } from './lock.js';
import type { JournalRecord } from './records.js';

/** How long what nobody waits for may take to get to the disk, in milliseconds. */
const SOON = 20;

/** How long after another commit one begins that can wait, in milliseconds; and of how many items none waits. */
const APART = 15;
const MANY = 1024;

type StepRecord = Extract<JournalRecord, { readonly t: 'step' }>;

/** What commits bring to the disk. */
export interface Committed {
  readonly folder: string;
  /** The last link of the chain. */
  readonly last: string;
  readonly lock: Lock;
  readonly table: ItemTable;
  readonly journal: JournalFile;
  readonly results: AppendFile;
  readonly letters: () => AppendFile | undefined;
  readonly outputs: JobOutputs;
  readonly scheduler: SchedulerLike;
}

/** Brings what is done to the disk, in an order in which every record finds there what it tells of. */
export class Commits {
  readonly #of: Committed;
  readonly #group = new GroupCommit(() => this.#commitNow());
  #ended = new DoneRecords();
  #steps: StepRecord[];
  #waits = false;
  /** When the last one began. */
  #began = -Infinity;
  #cannotCompact = false;
  #closed = false;

  /** `steps` are records of results that are on the disk already. */
  constructor(of: Committed, steps: readonly StepRecord[]) {
    this.#of = of;
    this.#steps = [...steps];
  }

  /** Takes that an item has ended: it counts once the next commit is done. */
  end(item: Done): void {
    this.#ended.add(item);
  }

  /** Takes what a step has made of an item: it gets to the disk before long, though nobody waits for it. */
  step(record: StepRecord): void {
    this.#steps.push(record);
    this.#soon();
  }

  /** Done when all that was noted before is on the disk, with what it says of outputs. */
  commit(): Promise<void> {
    return this.#group.commit();
  }

  /** As `commit`, but of a few items not right after the one before: what comes within milliseconds goes to the disk together. */
  async together(items: number): Promise<void> {
    const { scheduler } = this.#of;
    const early = this.#began + APART - scheduler.now();
    if (early > 1 && items < MANY) await firstValueFrom(wait(early, scheduler));
    await this.commit();
  }

  /** Leaves of what is kept what is of use, once the run is over. Nobody needs the table any more. */
  compactAtEnd(): void {
    const { folder, journal, table } = this.#of;
    const { size } = table;
    table.clear();
    try {
      compactAtEnd(folder, journal.size, size, { ...this.#compacting, results: true });
    } catch (error) {
      ignoreFull(error);
    }
  }

  /** Nothing is committed any more that nobody asks for. */
  close(): void {
    this.#closed = true;
  }

  async #commitNow(): Promise<void> {
    const { journal, lock, letters, outputs, results, scheduler, table } = this.#of;
    this.#began = scheduler.now();
    lock.check();
    const ended = this.#ended;
    const steps = this.#steps;
    this.#ended = new DoneRecords();
    this.#steps = [];
    const { marks, replaced } = outputs.takeMarks();
    // What a record says to be there has to be there first.
    await Promise.all([results.sync(), letters()?.sync(), outputs.sync()]);
    for (const record of steps) journal.append(record);
    const counts = !ended.empty || replaced > 0;
    journal.appendDone(ended);
    if (counts) journal.append({ t: 'commit', outputs: marks });
    await journal.sync();
    if (!this.#cannotCompact && isDue(journal.size, table.size, false)) this.#compact();
  }

  #soon(): void {
    if (this.#waits) return;
    this.#waits = true;
    wait(SOON, this.#of.scheduler).subscribe(() => {
      this.#waits = false;
      // When it fails it does so for good: the next who waits for it is told.
      if (!this.#closed) this.commit().catch(() => undefined);
    });
  }

  /** Puts what the journal says into a snapshot while the run goes on. */
  #compact(): void {
    const { folder, journal } = this.#of;
    journal.write();
    try {
      const { n } = compact(folder, { ...this.#compacting, results: false });
      const path = join(folder, JOURNAL);
      journal.moveTo(openSync(path, 'a+'), path, n);
    } catch (error) {
      this.#cannotCompact = true;
      ignoreFull(error);
    }
  }

  get #compacting(): Omit<CompactOptions, 'results'> {
    const { last, lock } = this.#of;
    return {
      last,
      check: () => {
        lock.check();
      },
    };
  }
}

/** What is on the disk is whole without being compacted, too: the next run tries again. */
function ignoreFull(error: unknown): void {
  if (!(error instanceof BatchxError) || (error.code !== 'output' && error.code !== 'locked')) throw error;
}
