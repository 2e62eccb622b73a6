import { type MonoTypeOperatorFunction, Subject, takeUntil, takeWhile, tap } from 'rxjs';
import { BatchxError } from '../core/errors.js';
import type { Item } from '../core/item.js';
import { Outcome } from '../core/outcome.js';
import type { HaltRule } from './halt-rule.js';

/** Why a run was halted, and how it stood then. */
export interface Halted {
  /** The rule that was met; undefined when calls failed as every further one would have. */
  readonly rule: HaltRule | undefined;
  /** How many items the rule had counted by then, and of how many that were done; or how many had failed in a row. */
  readonly counted: number;
  readonly finished: number;
  /** What failed so often in a row. */
  readonly error: BatchxError | undefined;
}

/** Of fewer items that are done a share says nothing. */
const LEAST = 10;

/**
 * Ends a run when a rule is met, or when it is told that every further item would fail too.
 *
 * Items are counted by `count` as they are done, or by `items` above the sinks; `outcomes` below the sinks counts what
 * only they find out. What a rule has been met by is not undone: an item that is ok but cannot be written counts as
 * failed from then on.
 */
export class Halt {
  readonly #rules: readonly HaltRule[];
  readonly #total: number | undefined;
  readonly #stopping = new AbortController();
  readonly #givingUp = new AbortController();
  /** Tells `items` to end when it has not found out itself. */
  readonly #late = new Subject<void>();
  /** The failed items that have been counted: of the others only a sink knows. */
  readonly #known = new WeakSet<Item>();
  #finished = 0;
  readonly #counts: Record<'fail' | 'success', number> = { fail: 0, success: 0 };
  #halted: Halted | undefined;
  /** True when what runs is given up. */
  #now = false;

  /** `total` is how many items there are, where that is known; a share of all that are done needs it. */
  constructor(rules: readonly HaltRule[], total?: number) {
    const unknown = rules.find(({ why, percent }) => why === 'done' && percent && total === undefined);
    if (unknown !== undefined) {
      throw new BatchxError(
        'usage',
        `${unknown.said} needs to know how many items there are, which is not known before all are read; say a number, as in ${unknown.when},done=100`,
      );
    }
    this.#rules = rules;
    this.#total = total;
  }

  /** Why the run was halted; undefined when it was not. */
  get halted(): Halted | undefined {
    return this.#halted;
  }

  /** Fires when nothing more is to be read or started. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Fires when running calls are to be given up as well: just after the item that met the rule has gone on. */
  get givingUp(): AbortSignal {
    return this.#givingUp.signal;
  }

  /** Counts an item that is done. */
  readonly count = (item: Item): void => {
    if (item.extra.recalled !== undefined) return;
    this.#finished++;
    const { error } = item;
    if (error !== undefined) {
      this.#counts.fail++;
      this.#known.add(item);
    } else if (item.skipped === undefined) {
      this.#counts.success++;
    }
    this.#check();
  };

  /** Calls of a step have failed alike as often in a row as they say: every further one would fail too. */
  readonly alike = (error: BatchxError, counted: number): void => {
    this.#halt('soon', { rule: undefined, counted, finished: this.#finished, error });
  };

  /** Counts items as they pass, and lets none pass behind the one that ends the run now. */
  items(): MonoTypeOperatorFunction<Item> {
    return (items) =>
      items.pipe(
        tap(this.count),
        takeWhile(() => !this.#now, true),
        takeUntil(this.#late),
      );
  }

  /** Counts items that could not be written; what the sink has taken by then is still written. */
  outcomes(): MonoTypeOperatorFunction<unknown> {
    return tap((value) => {
      if (!(value instanceof Outcome) || value.status !== 'failed' || this.#known.has(value.item)) return;
      // What failed in an earlier run would halt each one that is to go on from there.
      if (value.item.extra.recalled !== undefined) return;
      this.#counts.fail++;
      this.#counts.success--;
      this.#check();
      if (this.#now) this.#late.next();
    });
  }

  #check(): void {
    for (const rule of this.#rules) {
      const counted = rule.why === 'done' ? this.#finished : this.#counts[rule.why];
      if (this.#isMet(rule, counted))
        this.#halt(rule.when, { rule, counted, finished: this.#finished, error: undefined });
    }
  }

  #isMet({ why, amount, percent }: HaltRule, counted: number): boolean {
    if (!percent) return counted >= amount;
    const of = why === 'done' ? (this.#total ?? Infinity) : this.#finished;
    return (why === 'done' || this.#finished >= LEAST) && counted * 100 >= amount * of;
  }

  #halt(when: HaltRule['when'], halted: Halted): void {
    if (this.#now || (this.#halted !== undefined && when === 'soon')) return;
    this.#halted = halted;
    if (when === 'now') {
      this.#now = true;
      queueMicrotask(() => this.#givingUp.abort());
    }
    this.#stopping.abort();
  }
}
