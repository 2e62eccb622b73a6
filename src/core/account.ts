import type { Events } from './events.js';
import type { Status } from './item.js';

/** How many items of the source were read, and what became of them. `read` is always the sum of the others. */
export interface Counts {
  readonly read: number;
  readonly ok: number;
  readonly failed: number;
  readonly skipped: number;
  readonly inDoubt: number;
  readonly pending: number;
}

/**
 * Keeps the account of a run from its events.
 *
 * @example
 * import { Account, createRuntime, filterItems, jsonl, toJsonl } from 'batchx';
 * import { lastValueFrom } from 'rxjs';
 *
 * const runtime = createRuntime();
 * const account = new Account(runtime.events);
 * const large = filterItems(({ total }: { total: number }) => total > 100);
 * await lastValueFrom(jsonl<{ total: number }>('orders.jsonl', {}, runtime).pipe(large, toJsonl('large.jsonl', runtime)));
 * console.log(account.counts); // { read: 4, ok: 2, failed: 0, skipped: 2, inDoubt: 0, pending: 0 }
 */
export class Account {
  #read = 0;
  readonly #by: Record<Status, number> = { ok: 0, failed: 0, skipped: 0, 'in-doubt': 0 };

  constructor(events: Events) {
    events.on('batch:item:start', () => {
      this.#read++;
    });
    events.on('batch:item:end', ({ status }) => {
      this.#by[status]++;
    });
  }

  get counts(): Counts {
    const { ok, failed, skipped, 'in-doubt': inDoubt } = this.#by;
    return { read: this.#read, ok, failed, skipped, inDoubt, pending: this.#read - ok - failed - skipped - inDoubt };
  }
}
