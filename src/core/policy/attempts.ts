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
