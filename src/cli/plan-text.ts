import type { Planned, PlannedItem } from '../pipeline/plan-items.js';
import { number } from './progress-line.js';

/** What an item is, as users are told it. */
export type PlanState = 'done' | 'new' | 'changed' | 'failed' | 'in-doubt' | 'deferred' | 'duplicate' | 'gone';

const STATES: Readonly<Record<PlannedItem['state'], PlanState>> = {
  done: 'done',
  new: 'new',
  begun: 'new',
  content: 'changed',
  step: 'changed',
  outputs: 'changed',
  result: 'changed',
  failed: 'failed',
  'same-id': 'failed',
  poison: 'failed',
  'in-doubt': 'in-doubt',
  deferred: 'deferred',
  duplicate: 'duplicate',
  gone: 'gone',
};

export const stateOf = ({ state }: PlannedItem): PlanState => STATES[state];

/** Why an item would be run, or fail, where there is more to it than that it is new. */
export function whyOf({ state, step, error }: PlannedItem): string | undefined {
  switch (state) {
    case 'begun':
      return 'a run ended while it was being done';
    case 'content':
      return 'its content has changed';
    case 'step':
      return step === undefined ? 'a step has changed' : `the step \`${step}\` has changed`;
    case 'outputs':
      return 'its files are not there as they were written';
    case 'result':
      return 'its result is needed and was not kept';
    default:
      return error;
  }
}

/** How many items there are of each kind. */
export interface Counted extends Readonly<Record<Exclude<PlanState, 'in-doubt' | 'gone'>, number>> {
  readonly items: number;
  readonly inDoubt: number;
  /** Null when not all of the input was read. */
  readonly gone: number | null;
  /** How many files were found that runs have written themselves: they are no items. */
  readonly own: number;
  /** How many a run would do. */
  readonly runs: number;
  /** How many of them for which reason; those that are only new have none. */
  readonly why: Readonly<Record<string, number>>;
}

export class PlanCounts {
  readonly #states = new Map<PlanState, number>();
  readonly #why = new Map<string, number>();
  #runs = 0;

  add(item: PlannedItem): void {
    const state = stateOf(item);
    this.#states.set(state, (this.#states.get(state) ?? 0) + 1);
    if (!item.runs) return;
    this.#runs++;
    const why = item.error === undefined ? whyOf(item) : undefined;
    if (why !== undefined) this.#why.set(why, (this.#why.get(why) ?? 0) + 1);
  }

  told(whole: boolean, own: number): Counted {
    const of = (state: PlanState): number => this.#states.get(state) ?? 0;
    const gone = of('gone');
    return {
      items: [...this.#states.values()].reduce((sum, count) => sum + count, 0) - gone,
      new: of('new'),
      changed: of('changed'),
      failed: of('failed'),
      inDoubt: of('in-doubt'),
      done: of('done'),
      deferred: of('deferred'),
      duplicate: of('duplicate'),
      gone: whole ? gone : null,
      own,
      runs: this.#runs,
      why: Object.fromEntries(this.#why),
    };
  }
}

const UNTOLD = { limit: 'with --limit', gathered: 'where items are put together and then split' } as const;

/** What is said of files that are no items. */
export const ownLine = (own: number): string =>
  `left out ${number(own)} ${own === 1 ? 'file' : 'files'} of the input that this run, or one before it, writes itself`;

/** The plan of a run, as people read it. */
export function planLines(
  job: string,
  told: Counted,
  { retry, untold }: { readonly retry: string | undefined; readonly untold: Planned['untold'] },
): string {
  const { items, done, new: fresh, changed, failed, inDoubt, deferred, duplicate, gone, own, runs, why } = told;
  const parts = [
    [done, 'done'],
    [fresh, 'new'],
    [changed, 'changed'],
    [failed, 'failed'],
    [inDoubt, 'in doubt'],
    [deferred, 'deferred'],
    [duplicate, duplicate === 1 ? 'duplicate' : 'duplicates'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${number(count)} ${word}`);
  const left = (gone ?? 0) > 0 ? `; ${number(gone ?? 0)} gone from the input` : '';
  const reasons = Object.entries(why).map(([reason, count]) => `  ${number(count)} because ${reason}`);
  const stay = failed + inDoubt > 0 && retry === undefined;
  return [
    `${job}: ${number(items)} ${items === 1 ? 'item' : 'items'}${said.length === 0 ? '' : `: ${said.join(', ')}`}${left}`,
    runs === 0 ? 'a run would do nothing' : `a run would do ${number(runs)} of them`,
    ...reasons,
    ...(untold === undefined || items === 0 ? [] : [`what is gone from the input is not told ${UNTOLD[untold]}`]),
    ...(own === 0 ? [] : [ownLine(own)]),
    ...(stay ? [stayLine(job, failed)] : []),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

const stayLine = (job: string, failed: number): string =>
  failed > 0
    ? `what has failed or is in doubt stays so: \`batchx retry ${job}\` runs it again`
    : `what is in doubt stays so: \`batchx retry ${job} --in-doubt\` runs it again`;
