import { setMaxListeners } from 'node:events';
import {
  defer,
  firstValueFrom,
  from,
  fromEvent,
  type Observable,
  of,
  type OperatorFunction,
  race,
  switchMap,
  takeUntil,
  tap,
} from 'rxjs';
import { Account } from '../core/account.js';
import { BatchxError } from '../core/errors.js';
import type { StageState } from '../core/events.js';
import type { Item } from '../core/item.js';
import type { OwnFiles } from '../core/own-files.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { wait } from '../core/wait.js';
import type { RunRecorder } from '../report/run-recorder.js';
import { compile, sinks, totalOf } from './compile.js';
import { Halt } from './halt.js';
import type { OpenJob } from './job-of-plan.js';
import { ownOfPlan, writtenBy } from './own-of-plan.js';
import type { Plan, StepUse } from './plan.js';
import type { RunResult } from './run-result.js';

export interface RunOptions {
  readonly registry: Registry;
  readonly runtime: Runtime;
  /** The account of the run, for those who want to look at it while it goes on. */
  readonly account?: Account;
  /** Counts what the steps do, for a report. */
  readonly recorder?: RunRecorder | undefined;
  /** What the items, or the outcomes of the plan's sinks, are made into at the end. */
  readonly end?: OperatorFunction<Item, unknown>;
  /** What keeps the state of the run, so that another one can go on from there. */
  readonly job?: OpenJob | undefined;
}

/** How long sinks may take to write what is done when the run is aborted, in milliseconds. */
const FLUSH = 1000;
/** How long the run waits for what goes on behind its stream, such as processes that were told to end; the same. */
const CLEANUP = 2000;

/**
 * Runs a plan to its end, until a rule halts it or the runtime is stopped, and tells how it ended.
 *
 * When the runtime is stopping, or a rule says `soon`, nothing more is read and what runs ends; when it is aborted, or a
 * rule says `now`, running calls are given up. In each case the sinks have their end, after an abort within a second;
 * and then the run waits up to two seconds for what the calls have left behind (`runtime.cleanup`). Rejects only for a
 * plan that is wrong; then nothing has been opened.
 */
export async function run(
  plan: Plan,
  { registry, runtime: given, account = new Account(given.events), recorder, end, job }: RunOptions,
): Promise<RunResult> {
  const own = ownOfPlan(plan, registry, job?.job);
  job?.job.noteWritten(writtenBy(plan, registry));
  const runtime =
    job === undefined ? { ...given, own } : { ...given, own, durable: job.durable, durability: job.durability };
  const cut = new AbortController();
  const cutShort = (): void => cut.abort();
  const total = totalOf(plan, registry);
  const halt = new Halt(plan.halt, total);
  const rules = plan.halt.length > 0;
  // Without a step there is no stage that could count them as they are done.
  const inTurn = rules && (plan.haltInTurn === true || plan.steps.length === 0);
  const aborted = defer(() => (runtime.signal.aborted ? of(0) : fromEvent(runtime.signal, 'abort')));
  const stopping = AbortSignal.any([runtime.stopping, halt.stopping]);
  // Each source, stage and running call may listen.
  const givingUp = AbortSignal.any([halt.givingUp, runtime.signal]);
  setMaxListeners(0, stopping, givingUp);
  const operators = [
    ...(inTurn ? [halt.items()] : []),
    // Stages give up by themselves, and what they have to say of what ran goes on.
    takeUntil(
      aborted.pipe(
        tap(cutShort),
        switchMap(() => wait(0, runtime.scheduler)),
      ),
    ),
    // For a sink an input that was cut short is one that was stopped: what it has not seen may still be wanted.
    ...sinks(plan, registry, { ...runtime, stopping: AbortSignal.any([stopping, cut.signal]) }, job),
    ...(rules ? [halt.outcomes()] : []),
    ...(end === undefined ? [] : [...(job?.all === undefined ? [] : [job.all]), end]),
    takeUntil(aborted.pipe(switchMap(() => wait(FLUSH, runtime.scheduler)))),
  ] as OperatorFunction<unknown, unknown>[];
  const onRead = (): void => runtime.events.emit('batch:read', { items: account.counts.read });
  const onLimit = (): void => {
    cutShort();
    onRead();
  };
  const stages: StageState[] = [];
  const onEnd = inTurn ? undefined : halt.count;
  const onAlike = plan.haltAlike === false ? undefined : halt.alike;
  const kept = job && { recall: job.recall, chain: job.job.chain, onBegin: job.onBegin };
  const watch = { onLimit, onRead, onEnd, onAlike, giveUp: givingUp, recorder, stages, ...kept };
  const values = operators.reduce<Observable<unknown>>(
    (above, operator) => above.pipe(operator),
    compile(plan, registry, { ...runtime, stopping }, watch),
  );
  const loading = plan.steps.flatMap((use) => loadOf(use, registry));
  if (loading.length > 0) await Promise.all(loading);
  await job?.job.recover();
  runtime.events.emit('batch:start', { name: plan.name, total, stages });
  const error = await ended(values);
  const clean = await cleanedUp(runtime);
  runtime.events.emit('batch:end', { error });
  // What served the whole run ends with it. Who has waited in vain does not wait again.
  if (clean) await cleanedUp(runtime);
  return { counts: account.counts, halted: halt.halted, interrupted: runtime.stopping.aborted, ...leftOut(own), error };
}

const leftOut = ({ left }: OwnFiles): Pick<RunResult, 'own'> => (left === 0 ? {} : { own: left });

/** What is loaded before the first item; nothing for a step that only tells what it would do. */
const loadOf = ({ kind, name, tell }: StepUse, registry: Registry): Promise<unknown>[] => {
  const loading = kind === 'flow' || tell !== undefined ? undefined : registry.get('step', name).load?.();
  return loading === undefined ? [] : [loading];
};

/** Waits for the end of an Observable, and gives its error if it has one. */
const ended = (values: Observable<unknown>): Promise<BatchxError | undefined> =>
  new Promise((resolve) => {
    values.subscribe({
      error: (error: unknown) => resolve(BatchxError.from(error, 'bug')),
      complete: () => resolve(undefined),
    });
  });

/** Waits for what goes on behind the stream, though not for ever; true when it is over. */
async function cleanedUp({ cleanup, scheduler }: Runtime): Promise<boolean> {
  if (cleanup.open > 0) await firstValueFrom(race(from(cleanup.idle()), wait(CLEANUP, scheduler)));
  return cleanup.open === 0;
}
