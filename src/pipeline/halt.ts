import { type MonoTypeOperatorFunction, Subject, takeUntil, takeWhile, tap } from 'rxjs';
import type { Item } from '../core/item.js';
import { Outcome } from '../core/outcome.js';

/** Ends a run at the first failure: one operator above its sinks, and one below, for what only they find out. */
export class Halt {
  #halted = false;
  readonly #late = new Subject<void>();
  readonly #onHalt: () => void;

  /** `onHalt` is told before the sinks are. */
  constructor(onHalt: () => void) {
    this.#onHalt = onHalt;
  }

  get halted(): boolean {
    return this.#halted;
  }

  /** Lets items pass up to and with the first that failed. */
  items(): MonoTypeOperatorFunction<Item> {
    return (items) =>
      items.pipe(
        tap(({ error }) => {
          if (error !== undefined) this.#halt();
        }),
        takeWhile(({ error }) => error === undefined, true),
        takeUntil(this.#late),
      );
  }

  /** Ends the items above when one could not be written; what the sink has taken by then is still written. */
  outcomes(): MonoTypeOperatorFunction<unknown> {
    return tap((value) => {
      if (this.#halted || !(value instanceof Outcome) || value.status !== 'failed') return;
      this.#halt();
      this.#late.next();
    });
  }

  #halt(): void {
    this.#halted = true;
    this.#onHalt();
  }
}
