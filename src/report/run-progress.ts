import type { Account, Counts } from '../core/account.js';
import type { EventMap, StageState, WaitReason } from '../core/events.js';
import type { Item } from '../core/item.js';
import type { Runtime } from '../core/runtime.js';
import { Estimate, type Remaining } from './estimate.js';

/** A stage as it stands. */
export interface StageProgress {
  readonly steps: readonly string[];
  readonly concurrency: number;
  readonly inFlight: number;
  readonly ok: number;
  readonly failed: number;
  readonly skipped: number;
  readonly retries: number;
}

/** Items that wait for the same. */
export interface WaitingItems {
  readonly reason: WaitReason;
  /** The name of the rate or breaker, where it has one. */
  readonly of: string | undefined;
  /** The steps that they wait in. */
  readonly steps: readonly string[];
  readonly count: number;
  /** When the last of them may go on at the earliest, in milliseconds since 1970, where that is known. */
  readonly until: number | undefined;
  /** How long the first of them has waited, in milliseconds. */
  readonly ms: number;
}

/** A breaker that lets nothing through, or only a few calls to see. */
export interface OpenBreaker {
  readonly name: string;
  readonly key: string | undefined;
  readonly state: string;
  readonly calls: number;
  readonly failures: number;
}

/** How a run stands. */
export interface ProgressFigures {
  /** How long it has been going on. */
  readonly ms: number;
  readonly counts: Counts;
  /** How many items there are, once that is known. */
  readonly total: number | undefined;
  /** Items settled a second, since it began. */
  readonly rate: number;
  readonly remaining: Remaining | undefined;
  /** Calls that were over and not the first of their item. */
  readonly retries: number;
  readonly stages: readonly StageProgress[];
  readonly waits: readonly WaitingItems[];
  readonly breakers: readonly OpenBreaker[];
}

interface Wait extends Pick<EventMap['batch:wait'], 'step' | 'reason' | 'of' | 'until'> {
  readonly since: number;
}

/** Knows how a run stands, from its events. What it holds is bounded by how many items are on their way. */
export class RunProgress {
  readonly #clock: Pick<Runtime, 'scheduler' | 'wallNow'>;
  readonly #account: Account;
  readonly #waits = new Map<Item, Wait>();
  readonly #breakers = new Map<string, OpenBreaker>();
  readonly #retries = new Map<string | undefined, number>();
  #stages: readonly StageState[] = [];
  #total: number | undefined;
  #began: number;
  #estimate: Estimate;

  constructor({ events, ...clock }: Pick<Runtime, 'events' | 'scheduler' | 'wallNow'>, account: Account) {
    this.#clock = clock;
    this.#account = account;
    this.#began = clock.scheduler.now();
    this.#estimate = new Estimate(this.#began);
    events.on('batch:start', ({ total, stages = [] }) => {
      this.#stages = stages;
      this.#total = total;
      this.#began = clock.scheduler.now();
      this.#estimate = new Estimate(this.#began);
    });
    events.on('batch:read', ({ items }) => (this.#total = items));
    events.on('batch:attempt:end', ({ step, attempt }) => {
      if (attempt > 1) this.#retries.set(step, this.#retriesOf(step) + 1);
    });
    events.on('batch:wait', ({ item, step, reason, of, until }) =>
      this.#waits.set(item, { step, reason, of, until, since: clock.scheduler.now() }),
    );
    events.on('batch:wait:end', ({ item }) => this.#waits.delete(item));
    events.on('batch:breaker', (change) => this.#changed(change));
    events.on('batch:end', () => this.#waits.clear());
  }

  /** Notes how much is done, which is what the recent throughput is known from: to be called about once a second. */
  look(): void {
    this.#estimate.look(this.#now(), this.#done());
  }

  get figures(): ProgressFigures {
    const { counts } = this.#account;
    const now = this.#now();
    const ms = now - this.#began;
    const done = this.#done();
    const total = this.#total;
    return {
      ms,
      counts,
      total,
      rate: (done * 1000) / Math.max(ms, 1),
      remaining: total === undefined ? undefined : this.#estimate.remaining(now, done, total),
      retries: [...this.#retries.values()].reduce((sum, each) => sum + each, 0),
      stages: this.#stages.map((stage) => this.#stage(stage)),
      waits: this.#waiting(now),
      breakers: [...this.#breakers.values()],
    };
  }

  #stage({ steps, concurrency, counts: { begun, ended, ok, failed, skipped } }: StageState): StageProgress {
    const retries = steps.reduce((sum, step) => sum + this.#retriesOf(step), 0);
    return { steps, concurrency, inFlight: begun - ended, ok, failed, skipped, retries };
  }

  /** Those that wait for the same, together; the largest group first. */
  #waiting(now: number): WaitingItems[] {
    const groups = new Map<string, { -readonly [K in keyof WaitingItems]: WaitingItems[K] } & { steps: string[] }>();
    for (const { step, reason, of, until, since } of this.#waits.values()) {
      const key = JSON.stringify([reason, of ?? [step]]);
      let group = groups.get(key);
      if (group === undefined) {
        group = { reason, of, steps: [], count: 0, until: undefined, ms: 0 };
        groups.set(key, group);
      }
      group.count++;
      if (step !== undefined && !group.steps.includes(step)) group.steps.push(step);
      if (until !== undefined) group.until = Math.max(until, group.until ?? until);
      group.ms = Math.max(group.ms, now - since);
    }
    return [...groups.values()].sort((a, b) => b.count - a.count);
  }

  #changed({ name, key, to, calls, failures }: EventMap['batch:breaker']): void {
    const id = JSON.stringify([name, key]);
    if (to === 'closed' || to === 'disabled') this.#breakers.delete(id);
    else this.#breakers.set(id, { name, key, state: to, calls, failures });
  }

  #done(): number {
    const { read, pending } = this.#account.counts;
    return read - pending;
  }

  #retriesOf(step: string | undefined): number {
    return this.#retries.get(step) ?? 0;
  }

  #now(): number {
    return this.#clock.scheduler.now();
  }
}
