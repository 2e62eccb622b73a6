import type { Runtime } from '../runtime.js';
import type { StepFunction } from '../step.js';
import type { Gate } from './gate.js';
import type { Policies } from './policies.js';

/** A step that is tried under policies: what its calls share. */
export interface TriedStep {
  readonly run: StepFunction;
  readonly policies: Policies;
  readonly runtime: Runtime;
  readonly gate: Gate;
}
