import { BatchxError, type ErrorCode } from '../core/errors.js';
import type { Events } from '../core/events.js';
import type { Item } from '../core/item.js';
import type { Outcome } from '../core/outcome.js';

/** Failures that have the same code, and the same message but for what differs from item to item. */
export interface Cause {
  readonly code: ErrorCode;
  /** The message that they have in common; what differs is `…` in it. */
  readonly pattern: string;
  readonly count: number;
  /** Where one of them was, and its whole message. */
  readonly where: string;
  readonly message: string;
  /** Whether some of them, or of the attempts before, were tried again. */
  readonly retried: boolean;
}

/** The most of a message that is kept, and that is looked at for its pattern, in characters. */
const MESSAGE = 2000;
const PATTERN = 300;

/**
 * Groups the failures of a run by their cause, as they come. At most `most` causes are kept, the first that came; what
 * fails for another is only counted.
 *
 * @example
 * import { Causes, createRuntime } from 'batchx';
 *
 * const runtime = createRuntime();
 * const causes = new Causes(runtime.events);
 * // ... and when the run is over:
 * for (const { count, code, pattern, where } of causes.list) console.log(count, code, pattern, where);
 */
export class Causes {
  readonly #byKey = new Map<string, { -readonly [K in keyof Cause]: Cause[K] }>();
  readonly #retried = new Set<string>();
  readonly #most: number;
  #total = 0;
  #others = 0;
  /** Failures that follow each other are often alike: their message need not be looked at again. */
  #last = { text: '', pattern: '' };

  constructor(events: Events, most = 100) {
    this.#most = most;
    events.on('batch:item:end', (outcome) => {
      if (outcome.status === 'failed' || outcome.status === 'in-doubt') this.#add(outcome);
    });
    events.on('batch:attempt', ({ item, error }) => {
      if (this.#retried.size < this.#most) this.#retried.add(this.#keyOf(BatchxError.from(error), item).key);
    });
  }

  /** How many items failed or are in doubt. */
  get total(): number {
    return this.#total;
  }

  /** How many of them failed for causes that are not kept. */
  get others(): number {
    return this.#others;
  }

  /** The causes, the most frequent one first. */
  get list(): readonly Cause[] {
    const causes = [...this.#byKey].map(([key, cause]) => ({ ...cause, retried: this.#retried.has(key) }));
    return causes.sort((a, b) => b.count - a.count);
  }

  #add({ item, error = new BatchxError('bug', 'failed') }: Outcome): void {
    this.#total++;
    const { key, pattern } = this.#keyOf(error, item);
    const known = this.#byKey.get(key);
    if (known !== undefined) known.count++;
    else if (this.#byKey.size >= this.#most) this.#others++;
    else {
      const { code, message } = error;
      const where = error.where ?? placeOf(item);
      this.#byKey.set(key, { code, pattern, count: 1, where, message: message.slice(0, MESSAGE), retried: false });
    }
  }

  #keyOf({ code, message }: BatchxError, item: Item): { readonly key: string; readonly pattern: string } {
    const text = withoutOwn(message.slice(0, PATTERN), item);
    if (text !== this.#last.text) this.#last = { text, pattern: patternOf(text) };
    const { pattern } = this.#last;
    return { key: `${code} ${pattern}`, pattern };
  }
}

/** What the message of a failure has in common with others of its cause. */
export const patternIn = ({ message }: { readonly message: string }, item: Item): string =>
  patternOf(withoutOwn(message.slice(0, PATTERN), item));

/** The line that an item came from; where there are none, what it is called. */
export const placeOf = (item: Item): string =>
  item.place?.locate(item.at).line === undefined ? item.id : (item.where ?? item.id);

const GAP = '…';

/** A message without what its item is called or is. */
function withoutOwn(message: string, { extra: { id }, data, first }: Item): string {
  let text = message;
  for (const own of [id, data, first?.data]) {
    // Of shorter ones any word may have a part in it.
    if (typeof own === 'string' && own.length > 3) text = text.replaceAll(own, GAP);
  }
  return text;
}

/** What stays as it is, and then what differs: quoted text, addresses, paths, and whatever has digits in it. */
const VARIES = new RegExp(
  [
    String.raw`(\b(?:exit code|status|HTTP) \d+\b|(?:reading|setting) '[^']*')`,
    String.raw`"(?:[^"\\]|\\.)*"`,
    String.raw`(?<!\w)'[^']*'(?!\w)`,
    String.raw`\b[a-z][a-z\d+.-]*://[^\s,;)]+`,
    String.raw`(?<![\w${GAP}])[\w@%+.~-]*/[\w@%+.~/-]+`,
    String.raw`[-+]?\b[\w.]*\d[\w.]*(?:[-:,]\w*\d\w*)*`,
  ].join('|'),
  'g',
);

/** What a message has in common with others of its kind. Of what a command says only how it ended counts. */
function patternOf(message: string): string {
  return (
    message
      .replace(/\n[^]*$/, '')
      .replace(/\b(exit code \d+|ended by SIG[A-Z\d]+)\b.*$/, '$1')
      // A parser quotes what it has found, quotes and all.
      .replace(/'[^]'(?=, (?:\.\.\.)?"[^]*" is not valid JSON)/, GAP)
      .replace(/(?:\.\.\.)?"[^]*"(?:\.\.\.)?(?= is not valid JSON)/, GAP)
      .replace(VARIES, (_, kept: string | undefined) => kept ?? GAP)
      .replace(new RegExp(`${GAP}(?:[\\s,:;-]*${GAP})+`, 'g'), GAP)
  );
}
