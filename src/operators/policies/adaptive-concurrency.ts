import { type MonoTypeOperatorFunction, Observable, Subscriber } from 'rxjs';
import { BatchxError } from '../../core/errors.js';
import { AdaptiveConcurrency, type AttemptLoad, loadOf } from '../../core/policy/adaptive.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';

/**
 * Tells an `AdaptiveConcurrency` of a call: when it began, how long it took, and whether it was too much.
 *
 * Emits what the call emits, at once, and holds nothing: whoever runs the calls follows the cap, as `mapConcurrent` does
 * with it as its `concurrency`. Completing is a success; so is a value when the subscriber leaves after it. An error of
 * class `throttled`, `unprocessed` or `resource` says that it was too much, one of code `timeout` that it was late; all
 * others say nothing, and leaving earlier neither.
 *
 * It is for one cold call; many calls share the `AdaptiveConcurrency`. `step` does this by itself.
 *
 * ```
 * call      -a-b---|
 * result    -a-b---|      began at the first frame, took 7 ms
 * ```
 *
 * @example
 * import { AdaptiveConcurrency, adaptiveConcurrency, mapConcurrent } from 'batchx';
 * import { range, timer } from 'rxjs';
 *
 * const busy = new AdaptiveConcurrency({ max: 16 });
 * range(1, 100)
 *   .pipe(mapConcurrent(() => timer(1).pipe(adaptiveConcurrency(busy)), { concurrency: busy }))
 *   .subscribe({ complete: () => console.log(busy.cap <= 16) }); // true
 */
export function adaptiveConcurrency<T>(
  adaptive: AdaptiveConcurrency,
  runtime: Runtime = defaultRuntime(),
): MonoTypeOperatorFunction<T> {
  if (!(adaptive instanceof AdaptiveConcurrency))
    throw new BatchxError('usage', 'adaptiveConcurrency: expected an AdaptiveConcurrency');
  return (call) =>
    new Observable((subscriber) => {
      call.subscribe(new MeasuredCall(subscriber, adaptive, runtime));
    });
}

class MeasuredCall<T> extends Subscriber<T> {
  readonly #adaptive: AdaptiveConcurrency;
  readonly #scheduler: Runtime['scheduler'];
  readonly #began: number;
  /** Above 0 as long as the end has to be told. */
  #ticket: number;
  #came = false;

  constructor(out: Subscriber<T>, adaptive: AdaptiveConcurrency, { scheduler }: Runtime) {
    super(out);
    this.#adaptive = adaptive;
    this.#scheduler = scheduler;
    this.#began = scheduler.now();
    this.#ticket = adaptive.start();
    this.add(() => this.#end(this.#came ? 'success' : 'ignored'));
  }

  protected override _next(value: T): void {
    this.#came = true;
    super._next(value);
  }

  protected override _error(error: unknown): void {
    this.#end(loadOf(error));
    super._error(error);
  }

  protected override _complete(): void {
    this.#end('success');
    super._complete();
  }

  #end(load: AttemptLoad): void {
    const ticket = this.#ticket;
    this.#ticket = 0;
    if (ticket > 0) this.#adaptive.record(ticket, load, this.#scheduler.now() - this.#began);
  }
}
