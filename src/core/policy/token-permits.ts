import type { BatchxError } from '../errors.js';
import type { TokenPace } from '../rate.js';
import { notAWeight, type PermitAccount, Permits, tooMuch } from './permits.js';

/**
 * The account of two limits that hold together: a start is one of the requests, and takes its weight of the tokens. It is
 * made when both have room, and then of both at once: so none is held for one while the other is waited for.
 */
export class TokenPermits implements PermitAccount<TokenPace> {
  readonly #requests: Permits | undefined;
  readonly #tokens: Permits;
  #pace: TokenPace;

  constructor(pace: TokenPace) {
    this.#pace = pace;
    this.#requests = pace.requests && new Permits(pace.requests);
    this.#tokens = new Permits(pace.tokens);
  }

  msFor(weight: number, starts: number): number {
    return Math.max(this.#requests?.msFor(starts) ?? 0, this.#tokens.msFor(weight));
  }

  get most(): number {
    return this.#tokens.most;
  }

  get pausedUntil(): number {
    return this.#tokens.pausedUntil;
  }

  unusedAt(now: number): boolean {
    return this.#tokens.unusedAt(now) && this.#requests?.unusedAt(now) !== false;
  }

  /** A call may cost nothing: then it is only one of the requests. */
  check(weight: number): void {
    if (weight >= 0 && weight <= this.most) return;
    throw this.refusal(weight) ?? notAWeight(weight);
  }

  refusal(weight: number): BatchxError | undefined {
    return tooMuch(weight, this.#pace.tokens, `costs ${weight.toLocaleString('en')} tokens`);
  }

  dueAt(weight: number): number {
    const due = this.#requests?.dueAt(1) ?? this.pausedUntil;
    return weight === 0 ? due : Math.max(due, this.#tokens.dueAt(weight));
  }

  hasRoom(weight: number, now: number): boolean {
    return this.#requests?.hasRoom(1, now) !== false && (weight === 0 || this.#tokens.hasRoom(weight, now));
  }

  readyAt(weight: number, now: number): number {
    const ready = this.#requests?.readyAt(1, now) ?? this.pausedUntil;
    return weight === 0 ? ready : Math.max(ready, this.#tokens.readyAt(weight, now));
  }

  take(weight: number, now: number, due: number): void {
    this.#requests?.take(1, now, due);
    if (weight > 0) this.#tokens.take(weight, now, due);
  }

  giveBack(weight: number, now: number): void {
    this.#requests?.giveBack(1, now);
    if (weight !== 0) this.#tokens.giveBack(weight, now);
  }

  sent(weight: number, since: number, now: number): void {
    this.#requests?.sent(1, since, now);
    if (weight > 0) this.#tokens.sent(weight, since, now);
  }

  settle(more: number, since: number, now: number): void {
    this.#tokens.settle(more, since, now);
  }

  pauseUntil(time: number): boolean {
    this.#requests?.pauseUntil(time);
    return this.#tokens.pauseUntil(time);
  }

  /** Of as many limits as before. */
  retune(pace: TokenPace, now: number): void {
    this.#pace = pace;
    if (pace.requests !== undefined) this.#requests?.retune(pace.requests, now);
    this.#tokens.retune(pace.tokens, now);
  }
}
