import type { Counts } from '../core/account.js';
import { messageOf } from '../core/errors.js';
import type { Events } from '../core/events.js';
import type { Item } from '../core/item.js';
import type { Outcome } from '../core/outcome.js';
import { number } from './progress-line.js';
import { UnreadInputs } from './unread-inputs.js';
import { say } from './terminal.js';

/** How many failures are told one by one; the rest is counted. */
const SHOWN = 10;

/** Tells the first failures of a run on standard error as they happen, and keeps count of their causes. */
export class Failures {
  readonly #quiet: boolean;
  readonly #byCode = new Map<string, number>();
  readonly #unread: UnreadInputs;
  #told = 0;
  #strays = 0;

  constructor(events: Events, quiet: boolean) {
    this.#quiet = quiet;
    this.#unread = new UnreadInputs(events);
    events.on('batch:item:end', (outcome) => {
      if (outcome.status === 'failed' || outcome.status === 'in-doubt') this.#failed(outcome);
    });
    events.on('batch:warning', ({ message, where }) => {
      if (!quiet) say(`warning: ${where === undefined ? '' : `${where}: `}${message}`);
    });
  }

  /** True when there is something to tell of at the end. */
  get any(): boolean {
    return this.#told > 0;
  }

  /** True when the user's code went wrong in a way that is the failure of no item. */
  get strayed(): boolean {
    return this.#strays > 0;
  }

  /** What may help where nothing of an input could be read. */
  get hint(): string | undefined {
    return this.#unread.hint;
  }

  /** An error that the user's code left behind. */
  stray(error: unknown): void {
    this.#strays++;
    this.#tell(`an error that no item waits for: ${messageOf(error)}`);
  }

  /** The account in one line, with the causes of its failures. */
  summary(counts: Counts): string {
    const causes = [...this.#byCode].map(([code, n]) => `${number(n)} ${code}`).join(', ');
    const strays = this.#strays === 0 ? '' : `, and ${number(this.#strays)} that no item waits for`;
    return summary(counts) + (causes === '' ? '' : ` (${causes})`) + strays;
  }

  #failed({ item, error }: Outcome): void {
    const code = error?.code ?? 'bug';
    this.#byCode.set(code, (this.#byCode.get(code) ?? 0) + 1);
    // Where, and what: `rows.jsonl:2: not JSON: ...`.
    this.#tell(`${error?.where ?? placeOf(item)}: ${error?.message ?? 'failed'}`);
  }

  #tell(line: string): void {
    this.#told++;
    if (this.#quiet || this.#told > SHOWN + 1) return;
    say(this.#told <= SHOWN ? line : 'further failures are only counted');
  }
}

/** The line it came from; where there are none, what it is called. */
const placeOf = (item: Item): string =>
  item.place?.locate(item.at).line === undefined ? item.id : (item.where ?? item.id);

function summary({ read, ok, failed, skipped, inDoubt, pending }: Counts): string {
  const parts = [
    [ok, 'ok'],
    [failed, 'failed'],
    [skipped, 'skipped'],
    [inDoubt, 'in doubt'],
    [pending, 'pending'],
  ] as const;
  const said = parts.filter(([n]) => n > 0).map(([n, word]) => `${number(n)} ${word}`);
  return `${number(read)} ${read === 1 ? 'item' : 'items'} read${said.length === 0 ? '' : `: ${said.join(', ')}`}`;
}
