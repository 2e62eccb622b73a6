import type { Events } from './events.js';
import type { Status } from './outcome.js';

/** How many items of the source were read, and what became of them. `read` is always the sum of the others. */
export interface Counts {
  readonly read: number;
  readonly ok: number;
  readonly failed: number;
  readonly skipped: number;
  readonly inDoubt: number;
  readonly pending: number;
}

/** Keeps the account of a run from its events. */
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
