import type { SchedulerLike } from 'rxjs';
import type { Identity } from '../core/identity.js';
import type { JournalFile } from './journal-file.js';
import { Starting } from './starting.js';

/** The items of a job that are being done: what the journal says of them, and which of them are done alone. */
export class Running {
  readonly #journal: JournalFile;
  readonly #scheduler: SchedulerLike;
  readonly #stopping: AbortSignal;
  readonly #startsLater: boolean;
  readonly #starting = new Starting();
  readonly #running = new Set<number>();
  /** Who waits until nothing is being done, but what is said; and who is told when an item is to be done alone. */
  readonly #idlers = new Set<{ readonly but: ReadonlySet<number>; readonly go: () => void }>();
  readonly #lone = new Set<() => void>();
  /** The entries of those that are done alone: an item, and a part of it. */
  readonly #alone = new Set<number>();

  /** `startsLater` says that items are done some time after they were looked up: then somebody calls `start` for each. */
  constructor(journal: JournalFile, scheduler: SchedulerLike, stopping: AbortSignal, startsLater: boolean) {
    this.#journal = journal;
    this.#scheduler = scheduler;
    this.#stopping = stopping;
    this.#startsLater = startsLater;
    stopping.addEventListener('abort', () => this.#tellIdle(true), { once: true });
  }

  /** Notes that items are to be done. */
  begin(items: readonly Identity[]): void {
    for (const { entry } of items) this.#running.add(entry);
    if (this.#startsLater) this.#starting.wait(items);
    else this.#note(items);
  }

  /** Notes that items are being done now, if it was not noted yet: it is known when the process dies. */
  start(items: readonly Identity[]): void {
    const begun = this.#starting.begin(items, this.#scheduler.now(), (entry) => this.#running.has(entry));
    if (begun.length > 0) this.#note(begun);
  }

  #note(begun: readonly Identity[]): void {
    this.#journal.appendStart(begun.map(({ key }) => key));
    this.#journal.write();
  }

  /** Whether an item is to be done while nothing else is. */
  get alone(): boolean {
    return this.#alone.size > 0;
  }

  onAlone(listener: () => void): () => void {
    this.#lone.add(listener);
    return () => this.#lone.delete(listener);
  }

  /**
   * Has `emit` begin an item while nothing else is being done but what it is a part of (`above`), and is done when the
   * item has ended too, or the run is to end.
   */
  async aloneWith(item: Identity, above: readonly Identity[], emit: () => void): Promise<void> {
    this.#alone.add(item.entry);
    try {
      const but = new Set(above.map(({ entry }) => entry));
      for (const listener of this.#lone) listener();
      await this.#idle(but);
      this.#running.add(item.entry);
      this.#journal.append({ t: 'alone', k: item.key });
      this.start([...above, item]);
      emit();
      await this.#idle(but);
    } finally {
      this.#alone.delete(item.entry);
    }
  }

  /** Whether it is this item. */
  isAlone({ entry }: Identity): boolean {
    return this.#alone.has(entry);
  }

  /** Whether an item is being done. */
  isRunning(entry: number): boolean {
    return this.#running.has(entry);
  }

  /** Done when all that was begun has ended but these, or the run is to end. */
  async #idle(but: ReadonlySet<number>): Promise<void> {
    await new Promise<void>((go) => {
      this.#idlers.add({ but, go });
      this.#tellIdle(this.#stopping.aborted);
    });
  }

  #tellIdle(anyway = false): void {
    for (const idler of this.#idlers) {
      if (!anyway && (this.#running.size > idler.but.size || [...this.#running].some((entry) => !idler.but.has(entry))))
        continue;
      this.#idlers.delete(idler);
      idler.go();
    }
  }

  /** Notes that nothing more is done for an item, which is as it was. */
  left(entry: number): void {
    this.#starting.end(entry);
    if (this.#running.delete(entry) && this.#idlers.size > 0) this.#tellIdle();
  }
}
