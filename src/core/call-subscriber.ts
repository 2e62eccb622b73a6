import { type Observer, Subscriber } from 'rxjs';

/**
 * What one call of several sees of the subscriber that wants its values: it ends with the call, while the other goes
 * on, and it ends at once when that is left, even in the middle of a call that emits all at once.
 */
export class CallSubscriber<T> extends Subscriber<T> {
  readonly #observer: Observer<T>;

  constructor(out: Subscriber<T>, observer: Observer<T>) {
    super(out);
    this.#observer = observer;
  }

  protected override _next(value: T): void {
    this.#observer.next(value);
  }

  protected override _error(error: unknown): void {
    this.unsubscribe();
    this.#observer.error(error);
  }

  protected override _complete(): void {
    this.unsubscribe();
    this.#observer.complete();
  }
}
