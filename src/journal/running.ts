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
  readonly #idlers = new Set<{ readonly isIdle: () => boolean; readonly go: () => void }>();
  readonly #lone = new Set<() => void>();
  /** The entries of those that are done alone: an item, and a part of it. */
  readonly #alone = new Set<number>();
  /** Those that wait to be done alone, and how many they are a part of. */
  readonly #waiting = new Map<number, number>();
  /** Those of which parts are held back until others have come by, and how many. */
  readonly #held = new Map<number, number>();

  /** `startsLater` says that items are done some time after they were looked up: then somebody calls `start` for each. */
  constructor(journal: JournalFile, scheduler: SchedulerLike, stopping: AbortSignal, startsLater: boolean) {
    this.#journal = journal;
    this.#scheduler = scheduler;
    this.#stopping = stopping;
    this.#startsLater = startsLater;
    stopping.addEventListener('abort', () => this.#tellIdle(), { once: true });
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
   * item has ended too, or the run is to end. What only waits for items that come by later is not waited for: they would
   * wait for each other.
   */
  async aloneWith(item: Identity, above: readonly Identity[], emit: () => void): Promise<void> {
    const but = new Set(above.map(({ entry }) => entry));
    this.#alone.add(item.entry);
    this.#waiting.set(item.entry, above.length);
    try {
      for (const listener of this.#lone) listener();
      // Once more, as somebody may have begun to wait in the meantime.
      while (!this.#isIdle(but, above.length)) await this.#idle(but, above.length);
      this.#waiting.delete(item.entry);
      this.#running.add(item.entry);
      this.#journal.append({ t: 'alone', k: item.key });
      this.start([...above, item]);
      emit();
      while (!this.#isIdle(but, above.length)) await this.#idle(but, above.length);
    } finally {
      this.#waiting.delete(item.entry);
      this.#alone.delete(item.entry);
    }
  }

  /** Notes that a part of these is held back until others have come by. */
  hold(above: readonly Identity[]): void {
    for (const { entry } of above) this.#held.set(entry, (this.#held.get(entry) ?? 0) + 1);
    this.#tellIdle();
  }

  /** Notes that a part of these goes on that was held back. */
  release(above: readonly Identity[]): void {
    for (const { entry } of above) {
      const left = (this.#held.get(entry) ?? 0) - 1;
      if (left > 0) this.#held.set(entry, left);
      else this.#held.delete(entry);
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

  /** Whether all that was begun has ended but these, or waits for what comes later, or the run is to end. */
  #isIdle(but: ReadonlySet<number>, depth: number): boolean {
    if (this.#stopping.aborted) return true;
    if (this.#running.size > but.size + this.#held.size) return false;
    for (const entry of this.#running) if (!but.has(entry) && !this.#held.has(entry)) return false;
    // A part goes first: what comes later is behind it.
    for (const of of this.#waiting.values()) if (of > depth) return false;
    return true;
  }

  async #idle(but: ReadonlySet<number>, depth: number): Promise<void> {
    await new Promise<void>((go) => this.#idlers.add({ isIdle: () => this.#isIdle(but, depth), go }));
  }

  #tellIdle(): void {
    for (const idler of this.#idlers) {
      if (!idler.isIdle()) continue;
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
