import { BatchxError } from '../errors.js';
import { isPromiseLike } from '../promise.js';
import type { Runtime } from '../runtime.js';
import type { StepFunction } from '../step.js';
import { Gate } from './gate.js';
import type { Policies } from './policies.js';
import { Trial } from './trial.js';
import type { TriedStep } from './tried-step.js';

/**
 * Runs a step's work under policies: item deadline ( retry ( breaker ( permit ( attempt timeout ( work ))))).
 *
 * Gives what the work gives, at once when nothing has to be waited for. A wait of over a second gives the slot back.
 * While the runtime is stopping no wait goes on: the item is dropped and stays pending. A call that failed for lack of
 * files or memory is made again when others have ended, and fewer run at once from then on.
 */
export function attempts(run: StepFunction, policies: Policies, runtime: Runtime): StepFunction {
  const step: TriedStep = { run, policies, runtime, gate: new Gate(runtime.scheduler) };
  return (item, slot) => new Trial(step, item, slot).begin();
}

/** Runs a step's work as it is, under no policies, and tells those who listen of each call as of an attempt. */
export function singly(run: StepFunction, step: string, { events, scheduler }: Runtime): StepFunction {
  return (item, slot) => {
    if (!events.listens('batch:attempt:end')) return run(item, slot);
    const began = scheduler.now();
    const over = (error?: unknown): void => {
      if (error instanceof BatchxError && error.class === 'cancelled') return;
      events.emit('batch:attempt:end', { item, step, attempt: 1, ms: scheduler.now() - began, error });
    };
    const failed = (error: unknown): never => {
      over(error);
      throw error;
    };
    let result: unknown;
    try {
      result = run(item, slot);
    } catch (error) {
      return failed(error);
    }
    if (isPromiseLike(result)) {
      return Promise.resolve(result).then((value) => {
        over();
        return value;
      }, failed);
    }
    over();
    return result;
  };
}
