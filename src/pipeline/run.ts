import type { Observable, OperatorFunction, Subscription } from 'rxjs';
import { Account, type Counts } from '../core/account.js';
import { BatchxError } from '../core/errors.js';
import type { Item } from '../core/item.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { compile, sinks } from './compile.js';
import { haltOnFailure } from './halt.js';
import type { Plan } from './plan.js';

/** How a run ended. */
export interface RunResult {
  readonly counts: Counts;
  /** True when a policy ended it before its input did. */
  readonly halted: boolean;
  /** True when it was told to stop before its input ended. */
  readonly interrupted: boolean;
  /** Why it could not go on. */
  readonly error: BatchxError | undefined;
}

export interface RunOptions {
  readonly registry: Registry;
  readonly runtime: Runtime;
  /** The account of the run, for those who want to look at it while it goes on. */
  readonly account?: Account;
  /** Takes the place of the plan's sinks where items are not written but made into something else. */
  readonly end?: OperatorFunction<Item, unknown>;
}

/**
 * Runs a plan to its end, or until the runtime is stopped, and tells how it ended. Rejects only for a plan that is
 * wrong; then nothing has been opened.
 */
export function run(
  plan: Plan,
  { registry, runtime, account = new Account(runtime.events), end }: RunOptions,
): Promise<RunResult> {
  let halted = false;
  const halt = plan.strict ? [haltOnFailure(() => void (halted = true))] : [];
  const tail = end === undefined ? sinks(plan, registry, runtime) : [end as OperatorFunction<unknown, unknown>];
  const outcomes = [...halt, ...tail].reduce<Observable<unknown>>(
    (values, operator) => values.pipe(operator as OperatorFunction<unknown, unknown>),
    compile(plan, registry, runtime),
  );
  runtime.events.emit('batch:start', { name: plan.name });
  return new Promise((resolve) => {
    let subscription: Subscription | undefined;
    const finish = (error?: BatchxError): void => {
      runtime.signal.removeEventListener('abort', abort);
      runtime.events.emit('batch:end', { error });
      resolve({ counts: account.counts, halted, interrupted: runtime.stopping.aborted, error });
    };
    const abort = (): void => {
      subscription?.unsubscribe();
      finish();
    };
    runtime.signal.addEventListener('abort', abort);
    subscription = outcomes.subscribe({
      error: (error: unknown) => {
        finish(BatchxError.from(error, 'bug'));
      },
      complete: () => {
        finish();
      },
    });
  });
}
