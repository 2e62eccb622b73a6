import { type MonoTypeOperatorFunction, Observable, Subscriber } from 'rxjs';
import { BatchxError } from '../../core/errors.js';
import { percentOf, timeLimitText } from '../../core/policy/allowance.js';
import { Deadline, type Running } from '../../core/policy/deadline.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { parseOptions, show } from '../../core/schema.js';

/**
 * Emits what a call emits, and fails with an error of code `timeout` when it has not completed in time.
 *
 * It is for one cold call, not for a stream of items: all of it has to be over in time, not only its first value. The
 * time runs from the subscription, so that each retry has all of it. A call that is late is unsubscribed from, which
 * cancels it, before the error is told. Nothing is held. With many calls share a `Deadline`, which has one timer for
 * all; a limit such as `'300%'` needs one, as only what calls share knows how long they usually take.
 *
 * ```
 * call                -a-b-------------c|
 * timeLimit('10ms')   -a-b------#
 * ```
 *
 * @example
 * import { mapConcurrent, timeLimit } from 'batchx';
 * import { of, timer } from 'rxjs';
 *
 * of(1, 60_000)
 *   .pipe(mapConcurrent((ms) => timer(ms).pipe(timeLimit('50ms'))))
 *   .subscribe({ error: (error: Error) => console.log(error.message) }); // took longer than 50ms
 */
export function timeLimit<T>(
  limit: string | Deadline,
  runtime: Runtime = defaultRuntime(),
): MonoTypeOperatorFunction<T> {
  const deadline = limit instanceof Deadline ? limit : own(limit, runtime);
  return (call) =>
    new Observable((subscriber) => {
      call.subscribe(new Limited(subscriber, deadline));
    });
}

function own(limit: string, runtime: Runtime): Deadline {
  const text = parseOptions(timeLimitText(), limit, 'timeLimit');
  if (percentOf(text) === undefined) return new Deadline(text, runtime);
  const say = `a percentage is of what other calls took: make one \`new Deadline(${show(text)})\`, and give it to all`;
  throw new BatchxError('usage', `timeLimit: ${say}`);
}

class Limited<T> extends Subscriber<T> {
  readonly #deadline: Deadline;
  readonly #running: Running;

  constructor(out: Subscriber<T>, deadline: Deadline) {
    super(out);
    this.#deadline = deadline;
    this.#running = deadline.start((error) => {
      this.unsubscribe();
      out.error(error);
    });
    this.add(() => deadline.end(this.#running, false));
  }

  protected override _complete(): void {
    this.#deadline.end(this.#running, true);
    super._complete();
  }
}
