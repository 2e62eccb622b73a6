import { BatchxError } from '../errors.js';
import type { Item } from '../item.js';
import { show } from '../schema.js';
import type { Slot } from '../slot.js';
import type { Breaker } from './breaker.js';
import type { Limiter } from './limiter.js';
import type { TriedStep } from './tried-step.js';
import type { Verdict } from './verdict.js';
import type { Waiting } from './waiting.js';

/** Who wants to make a call. */
export interface Applicant {
  /** The one wait it is in, whatever for. */
  readonly waiting: Waiting;
  /** `now` is the time of the clock. */
  admitted(now: number): void;
  refused(error: unknown): void;
  /** It waits because the other side is down, until it is told to go on: that time is not its own. */
  standStill(): void;
  goOn(): void;
  /** Calls `then` once it has a slot. */
  withSlot(then: () => void): void;
  /** To be asked after each wait: true when the call is not to be made any more. Then all is given back. */
  dropped(): boolean;
}

/**
 * The way of one item to its calls: past the gate, the breaker and the limit, in that order, each of which may make it
 * wait. The permit of the limit is the last thing that it takes, so that nothing that waits holds one.
 */
export class Admission {
  readonly #step: TriedStep;
  readonly #slot: Slot;
  readonly #by: Applicant;
  /** Whose breaker it is. */
  readonly #server: string | undefined;
  readonly #weight: number;
  readonly #limiter: Limiter | undefined;
  /** What is paused when the other side says when to come back. */
  readonly #pauses: Limiter | undefined;
  /** What the ticket is of. */
  #breaker: Breaker | undefined = undefined;
  /** Above 0 as long as it has to be given back. */
  #ticket = 0;
  /** Whether it counts as running in the gate. */
  #inside = false;

  /** Throws when the item has no key, or no weight. */
  constructor(step: TriedStep, item: Item, slot: Slot, by: Applicant) {
    this.#step = step;
    this.#slot = slot;
    this.#by = by;
    const { limiter, pauses, key, server, weight } = step.policies;
    const own = key === undefined ? undefined : keyOf(key(item));
    this.#server = server === undefined ? own : keyOf(server(item));
    this.#weight = weight === undefined ? 1 : weightOf(weight(item), limiter?.weighs === true);
    this.#limiter = own === undefined ? limiter : limiter?.of(own);
    const paused = this.#server === undefined ? pauses : pauses?.of(this.#server);
    this.#pauses = paused ?? this.#limiter;
  }

  /** Where each key has its own it is looked up anew: one that was idle has been forgotten. */
  get breaker(): Breaker | undefined {
    const { breaker } = this.#step.policies;
    return this.#server === undefined ? breaker : breaker?.of(this.#server);
  }

  /** Goes on from where it stands. Ends in a call of `admitted` or `refused`: at once, or after waits. */
  ask(): void {
    if (!this.#goIn()) {
      const { gate } = this.#step;
      this.#by.waiting.begin(
        { reason: 'slot' },
        (go) => gate.wait(go),
        () => this.#askAgain(),
      );
      return;
    }
    const breaker = (this.#breaker = this.breaker);
    if (breaker !== undefined && !this.#takeTicket(breaker)) return;
    if (this.#mayStart()) this.#takePermit();
  }

  /** The call is over: tells the breaker. */
  record(result: 'success' | Verdict, ms: number, now?: number): void {
    const ticket = this.#ticket;
    this.#ticket = 0;
    if (ticket > 0) this.#breaker?.record(ticket, result, ms, now);
  }

  /** What a call that began at a time is about goes out only now. */
  sent(began: number): void {
    this.#limiter?.sent(this.#weight, began);
  }

  /** A call that began at a time went well: puts right what was taken for it, where its result tells what it took. */
  settle(result: unknown, began: number): void {
    const spent = this.#step.policies.spent?.(result);
    if (spent !== undefined) this.#limiter?.settle(spent - this.#weight, began);
  }

  /** The other side has asked to be left alone: the one that was called, or another server that the call came to. */
  pauseFor(ms: number, server: string | undefined): void {
    const { pauses } = this.#step.policies;
    const asking = server === undefined || this.#server === undefined ? undefined : pauses?.of(server);
    (asking ?? this.#pauses)?.pauseFor(ms);
  }

  /** There was no resource for the call. False when there is no hope of any. */
  starve(): boolean {
    this.#inside = false;
    return this.#step.gate.starve();
  }

  /** No call is to be made for now: gives back all that it holds. */
  leave(): void {
    this.#giveBack();
    if (this.#inside) this.#step.gate.leave();
    this.#inside = false;
  }

  /** The call that the ticket is for was not made. */
  #giveBack(): void {
    const ticket = this.#ticket;
    this.#ticket = 0;
    if (ticket > 0) this.#breaker?.giveBack(ticket);
  }

  #goIn(): boolean {
    this.#inside ||= this.#step.gate.enter();
    return this.#inside;
  }

  /** Before a wait: those who wait for what calls hold wait for calls that run, not for this one. */
  #stepBack(): void {
    this.#inside = false;
    this.#step.gate.stepBack();
  }

  #askAgain(): void {
    if (!this.#by.dropped()) this.ask();
  }

  /** Whether there is a ticket; otherwise it waits for one, or was refused. */
  #takeTicket(breaker: Breaker): boolean {
    if (this.#ticket > 0 && breaker.valid(this.#ticket)) return true;
    this.#giveBack();
    this.#ticket = breaker.reserve();
    if (this.#ticket > 0) return true;
    const refusal = breaker.refusal();
    if (refusal === undefined) this.#waitFor(breaker);
    else this.#by.refused(refusal);
    return false;
  }

  /** One of many keys gives its slot to the calls of others; otherwise only to those that have begun: no more is read. */
  #waitFor(breaker: Breaker): void {
    if (this.#server !== undefined) this.#slot.park();
    else this.#slot.lend?.();
    this.#stepBack();
    this.#by.standStill();
    this.#by.waiting.begin(
      { reason: 'breaker', of: breaker.name, ms: () => breaker.toJSON().remainingMs || undefined },
      (go: (error?: BatchxError) => void) => breaker.wait(go),
      (error) => {
        this.#by.goOn();
        if (this.#by.dropped()) return;
        if (error !== undefined) {
          this.#by.refused(error);
          return;
        }
        // At once, as it is this one's turn: while it waits for a slot nobody else would be told.
        this.#ticket = breaker.reserve();
        this.#by.withSlot(() => this.#askAgain());
      },
    );
  }

  /** Whether nobody has asked for a pause; otherwise it waits for the end of that. */
  #mayStart(): boolean {
    const pauses = this.#pauses;
    if (pauses === undefined || pauses === this.#limiter || pauses.try(1, this.#now())) return true;
    const slot = this.#slot;
    this.#stepBack();
    this.#by.waiting.begin(
      { reason: 'throttled', ms: () => pauses.readyIn() },
      (go: (error?: BatchxError) => void) => pauses.wait(go, { slot }),
      () => {
        if (this.#by.dropped()) return;
        if (this.#mayStill()) this.#takePermit();
        else this.ask();
      },
    );
    return false;
  }

  #takePermit(): void {
    const limiter = this.#limiter;
    const weight = this.#weight;
    const now = this.#now();
    if (limiter !== undefined) {
      try {
        if (!limiter.try(weight, now)) {
          const slot = this.#slot;
          this.#stepBack();
          this.#by.waiting.begin(
            { reason: 'rate', of: limiter.name, ms: () => limiter.readyIn(), pausedMs: () => limiter.pausedMs },
            (go: (error?: BatchxError) => void) => limiter.wait(go, { weight, slot }),
            (error) => this.#permitted(limiter, error),
          );
          return;
        }
      } catch (error) {
        this.#by.refused(error);
        return;
      }
    }
    this.#admit(now);
  }

  #admit(now: number): void {
    if (this.#ticket > 0) this.#breaker?.begin(this.#ticket);
    this.#by.admitted(now);
  }

  /** There was a wait: if the call is not to be made any more, or not now, the permit is another's. */
  #permitted(limiter: Limiter, error: BatchxError | undefined): void {
    if (error !== undefined) this.#by.refused(error);
    else if (this.#by.dropped()) limiter.giveBack(this.#weight);
    else if (!this.#mayStill()) {
      limiter.giveBack(this.#weight);
      this.ask();
    } else if (this.#mayStart()) this.#admit(this.#now());
    else limiter.giveBack(this.#weight);
  }

  /** After a wait: whether its ticket is worth something still, and there is room for it. */
  #mayStill(): boolean {
    return (this.#breaker?.valid(this.#ticket) ?? true) && this.#goIn();
  }

  #now(): number {
    return this.#step.runtime.scheduler.now();
  }
}

function keyOf(key: unknown): string {
  if (typeof key === 'string') return key;
  throw new BatchxError('expression', `expected \`key\` to give text, got ${show(key)}`);
}

/** What costs no tokens is still a request; where only starts are counted it would be nothing at all. */
function weightOf(weight: unknown, tokens: boolean): number {
  if (typeof weight === 'number' && (weight > 0 || (tokens && weight === 0)) && weight < Infinity) return weight;
  const what = tokens ? 'the cost to be a number of at least 0' : '`weight` to give a number above 0';
  throw new BatchxError('expression', `expected ${what}, got ${show(weight)}`);
}
