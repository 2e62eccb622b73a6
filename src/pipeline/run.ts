import { defer, fromEvent, type Observable, of, type OperatorFunction, switchMap, takeUntil, tap } from 'rxjs';
import { Account, type Counts } from '../core/account.js';
import { BatchxError } from '../core/errors.js';
import type { Item } from '../core/item.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { wait } from '../core/wait.js';
import { compile, sinks } from './compile.js';
import { Halt } from './halt.js';
import type { Plan } from './plan.js';

/** How a run ended. */
export interface RunResult {
  readonly counts: Counts;
  /** True when a policy ended it before its input did. */
  readonly halted: boolean;
  /** True when it was told to stop. */
  readonly interrupted: boolean;
  /** Why it could not go on. */
  readonly error: BatchxError | undefined;
}

export interface RunOptions {
  readonly registry: Registry;
  readonly runtime: Runtime;
  /** The account of the run, for those who want to look at it while it goes on. */
  readonly account?: Account;
  /** What the items, or the outcomes of the plan's sinks, are made into at the end. */
  readonly end?: OperatorFunction<Item, unknown>;
}

/** How long sinks may take to write what is done when the run is aborted, in milliseconds. */
const FLUSH = 1000;

/**
 * Runs a plan to its end, or until the runtime is stopped, and tells how it ended.
 *
 * When the runtime is stopping nothing more is read and what runs ends; when it is aborted running calls are given up,
 * and the sinks have a second for the items that are done. Rejects only for a plan that is wrong; then nothing has
 * been opened.
 */
export async function run(
  plan: Plan,
  { registry, runtime, account = new Account(runtime.events), end }: RunOptions,
): Promise<RunResult> {
  const cut = new AbortController();
  const cutShort = (): void => cut.abort();
  const halt = plan.strict ? new Halt(cutShort) : undefined;
  const aborted = defer(() => (runtime.signal.aborted ? of(0) : fromEvent(runtime.signal, 'abort')));
  // For a sink an input that was cut short is one that was stopped: what it has not seen may still be wanted.
  const stopping = AbortSignal.any([runtime.stopping, cut.signal]);
  const operators = [
    ...(halt === undefined ? [] : [halt.items()]),
    takeUntil(aborted.pipe(tap(cutShort))),
    ...sinks(plan, registry, { ...runtime, stopping }),
    ...(halt === undefined ? [] : [halt.outcomes()]),
    ...(end === undefined ? [] : [end]),
    takeUntil(aborted.pipe(switchMap(() => wait(FLUSH, runtime.scheduler)))),
  ] as OperatorFunction<unknown, unknown>[];
  const values = operators.reduce<Observable<unknown>>(
    (above, operator) => above.pipe(operator),
    compile(plan, registry, runtime, cutShort),
  );
  runtime.events.emit('batch:start', { name: plan.name });
  const error = await ended(values);
  runtime.events.emit('batch:end', { error });
  return { counts: account.counts, halted: halt?.halted === true, interrupted: runtime.stopping.aborted, error };
}

/** Waits for the end of an Observable, and gives its error if it has one. */
const ended = (values: Observable<unknown>): Promise<BatchxError | undefined> =>
  new Promise((resolve) => {
    values.subscribe({
      error: (error: unknown) => resolve(BatchxError.from(error, 'bug')),
      complete: () => resolve(undefined),
    });
  });
