import type { Counts } from '../core/account.js';
import { messageOf } from '../core/errors.js';
import type { Events } from '../core/events.js';
import type { Outcome } from '../core/outcome.js';
import { printable } from '../core/printable.js';
import { type Cause, Causes, placeOf } from '../report/causes.js';
import type { Reword } from './flag-words.js';
import { number } from './progress-line.js';
import { cut, roomBelow, say, sayBelow } from './terminal.js';
import { UnreadInputs } from './unread-inputs.js';

/** How many failures are told one by one, and how many groups of them at the end. */
const SHOWN = 10;
/** So many that were told one by one need not be told again in groups. */
const FEW = 3;
/** The least and the most that what a group has in common takes of its line, in characters. */
const TITLE = { least: 20, most: 60 } as const;

/** How what failed is run again. */
export interface Again {
  /** Where it was written to. */
  readonly file: string;
  /** The command line that runs just that, where there is one. */
  readonly command: string | undefined;
  /** The one that runs what is in doubt as well, where that is not the same with a flag of its own. */
  readonly doubtful?: string | undefined;
  /** Whether the results of these few would take the place of those of all. */
  readonly replaces?: boolean;
  /** Whether the input reads no such file: then it is of no use as one. */
  readonly unread?: boolean;
}

export interface FailuresOptions {
  readonly quiet: boolean;
  readonly reword: Reword;
  /** Of which failures the user has seen already why, so that only their causes are told. */
  readonly speaksForItself?: ((outcome: Outcome) => boolean) | undefined;
}

/** Tells the first failures of a run on standard error as they happen, and all of them by their causes at the end. */
export class Failures {
  readonly #quiet: boolean;
  readonly #byCode = new Map<string, number>();
  readonly #causes: Causes;
  readonly #unread: UnreadInputs;
  readonly #reword: Reword;
  readonly #speaksForItself: (outcome: Outcome) => boolean;
  #told = 0;
  /** Failures that were left to speak for themselves. */
  #left = 0;
  #strays = 0;

  constructor(events: Events, { quiet, reword, speaksForItself = () => false }: FailuresOptions) {
    this.#quiet = quiet;
    this.#reword = reword;
    this.#speaksForItself = speaksForItself;
    this.#unread = new UnreadInputs(events);
    this.#causes = new Causes(events);
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

  /** An error that the user's code left behind. */
  stray(error: unknown): void {
    this.#strays++;
    this.#tell(`an error that no item waits for: ${messageOf(error)}`);
  }

  /**
   * Tells at the end what became of the items, and in which time where `took` says it, why the others failed, and how
   * just those are run again.
   */
  tellEnd(why: string, counts: Counts, pending: string, again: Again | undefined, took = ''): void {
    const groups = this.#groups();
    const codes = [...this.#byCode].map(([code, n]) => `${number(n)} ${code}`).join(', ');
    const causes = codes === '' || groups.length > 0 ? '' : ` (${codes})`;
    const strays = this.#strays === 0 ? '' : `, and ${number(this.#strays)} that no item waits for`;
    say(`${why === '' ? '' : `${why}: `}${countsText(counts, pending)}${took}${causes}${strays}`);
    sayBelow(...groups);
    if (this.#unread.hint !== undefined) say(this.#unread.hint);
    if (again !== undefined && this.#causes.total > 0) say(...howAgain(again, counts));
  }

  /** A line for each cause, where they say more than was told one by one. */
  #groups(): string[] {
    const { list, total, others } = this.#causes;
    const shared = total > FEW && list.length < total;
    if (this.#left === 0 && total <= SHOWN && !shared) return [];
    const shown = list.slice(0, SHOWN);
    const rest = list.slice(SHOWN).reduce((sum, { count }) => sum + count, others);
    const width = number(shown[0]?.count ?? 0).length;
    const room = roomBelow() - width - 1;
    const lines = shown.map(
      (cause) => `${number(cause.count).padStart(width)} ${describe(this.#reworded(cause), room)}`,
    );
    return rest === 0 ? lines : [...lines, `${number(rest).padStart(width)} for other causes`];
  }

  #reworded(cause: Cause): Cause {
    const told = (message: string): string => this.#reword({ code: cause.code, message });
    return { ...cause, pattern: told(cause.pattern), message: told(cause.message) };
  }

  #failed(outcome: Outcome): void {
    const { item, error } = outcome;
    const code = error?.code ?? 'bug';
    this.#byCode.set(code, (this.#byCode.get(code) ?? 0) + 1);
    const left = this.#speaksForItself(outcome);
    if (left) this.#left++;
    if (this.#quiet || left || this.#told > SHOWN) {
      this.#told++;
      return;
    }
    // Where, and what: `rows.jsonl:2: not JSON: ...`.
    this.#tell(`${error?.where ?? placeOf(item)}: ${error === undefined ? 'failed' : this.#reword(error)}`);
  }

  #tell(line: string): void {
    this.#told++;
    if (this.#quiet || this.#told > SHOWN + 1) return;
    say(this.#told <= SHOWN ? line : 'further failures are only counted');
  }
}

/** A cause with its example; words that say no more than the example does are left out. */
export function describe({ code, pattern, where, message, retried }: Omit<Cause, 'count'>, room: number): string {
  const head = `${code}${retried ? ', tried again' : ''}: `;
  const example = ` - e.g. ${printable(where)}`;
  const said = printable(message);
  // Where the example is has to be seen, also in a narrow terminal.
  const left = Math.max(room - head.length - example.length, TITLE.least);
  if (pattern === message) return head + cut(said, left) + example;
  const line = head + cut(printable(pattern), Math.min(left, TITLE.most)) + example;
  return room - line.length > TITLE.least ? `${line}: ${said}` : line;
}

function howAgain({ file, command, doubtful: also, replaces, unread }: Again, { failed, inDoubt }: Counts): string[] {
  const those = failed === 1 ? 'the one that failed' : `just the ${number(failed)} that failed`;
  const how = replaces === true ? 'give it as input, with other outputs' : 'give it as input';
  if (unread === true) return [`what failed is in ${file}`];
  if (command === undefined) return [`what failed is in ${file}: ${how}, and ${those} will run again`];
  const doubtful = inDoubt === 1 ? 'the one in doubt' : `the ${number(inDoubt)} in doubt`;
  const twice = also ?? command.replace(/^(batchx \S+)/, '$1 --retry-in-doubt');
  return [
    ...(failed === 0 ? [] : [`to run ${those} again: ${command}`]),
    ...(inDoubt === 0
      ? []
      : [`${doubtful} may have been done; to run ${failed === 0 ? 'that' : 'all'} again all the same: ${twice}`]),
  ];
}

/** How many items were read, where that is known, and what became of them. */
export function countsText(
  { read, ok = 0, failed = 0, skipped = 0, inDoubt = 0, pending = 0 }: Partial<Counts>,
  pendingWord = 'pending',
): string {
  const parts = [
    [ok, 'ok'],
    [failed, 'failed'],
    [skipped, 'skipped'],
    [inDoubt, 'in doubt'],
    [pending, pendingWord],
  ] as const;
  const said = parts.filter(([n]) => n > 0).map(([n, word]) => `${number(n)} ${word}`);
  if (read === undefined) return said.length === 0 ? 'nothing done' : said.join(', ');
  return `${number(read)} ${read === 1 ? 'item' : 'items'} read${said.length === 0 ? '' : `: ${said.join(', ')}`}`;
}
