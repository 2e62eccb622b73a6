import type { AnyDefinition } from '../core/define.js';
import type { Item } from '../core/item.js';
import type { Registry } from '../core/registry.js';
import type { Path } from './file/document.js';
import { type Foreseen, foresee } from './file/foresight.js';
import type { PipelineFile } from './file/pipeline-file.js';
import { blankStep, type Failing, lookStep, noting } from './look-steps.js';
import type { Plan, StepUse } from './plan.js';
import { withResult } from './step-wrappers.js';

/** A plan that writes, calls and runs nothing, and looks where files would be written. */
export interface LookingPlan {
  readonly plan: Plan;
  /** With what the plan needs besides. */
  readonly registry: Registry;
  /** What could only be looked at in a run, as `steps.2.write`. */
  readonly later: readonly string[];
}

/** Looks at an item at a place of the pipeline where it would be written to a file. */
export type Look = (item: Item) => Item | Promise<Item>;

/** Makes such a plan of that of a pipeline; `lookAt` gives what looks at the items at a step, or at an output. */
export function lookingPlan(
  file: PipelineFile,
  plan: Plan,
  registry: Registry,
  lookAt: (foreseen: Foreseen, use: StepUse) => Look,
  failing: Failing,
): LookingPlan {
  const { steps, outputs } = foresee(file);
  const definitions: AnyDefinition[] = [];
  const later: string[] = [];
  const uses: StepUse[] = [];
  const keep = (use: StepUse, path: Path): void => {
    const name = `${definitions.length} ${use.name}`;
    definitions.push(noting(registry.get(use.kind ?? 'step', use.name), name, path, failing));
    uses.push({ ...use, ...UNTRIED, name, label: use.label ?? use.name });
  };
  const look = (foreseen: Foreseen, use: StepUse): void => {
    if (foreseen.writes === 'later') later.push(optionPath(foreseen).join('.'));
    if (foreseen.writes !== 'known') return;
    const lookAtItem = lookAt(foreseen, use);
    // An output is given what the last step has made.
    const isOutput = foreseen.entry.form.definition.kind === 'sink';
    const look: Look = isOutput ? (item) => lookAtItem(withResult(item)) : lookAtItem;
    uses.push({ name: lookStep.name, options: { look }, when: use.when });
  };
  // What the plan has before its steps is what the input says, `filter`.
  const own = plan.steps.length - steps.length;
  for (const use of plan.steps.slice(0, own)) keep(use, [...file.path, 'input', 'filter']);
  for (const [index, foreseen] of steps.entries()) {
    const use = plan.steps[own + index] as StepUse;
    const { entry, how } = foreseen;
    look(foreseen, use);
    if (how === 'run') keep(use, [...entry.path, entry.form.verb]);
    if (how === 'blank' && use.output !== undefined)
      uses.push({ name: blankStep.name, options: {}, output: use.output, when: use.when });
  }
  for (const [index, foreseen] of outputs.entries()) look(foreseen, plan.sinks[index] as StepUse);
  return {
    plan: { ...plan, steps: uses, sinks: [], halt: [], concurrency: 1, ordered: true },
    registry: registry.with(lookStep, blankStep, ...definitions),
    later,
  };
}

/** Nothing is called, so there is nothing to be tried, or kept. */
const UNTRIED = { policies: undefined, cost: undefined, key: undefined, concurrency: undefined, cache: undefined };

/** Where a pipeline says where a file is written. */
export function optionPath({ entry: { form, path, value } }: Foreseen): Path {
  const { definition } = form;
  const writes = definition.kind === 'step' || definition.kind === 'sink' ? definition.writes : undefined;
  const option = writes?.options.find((name) => name === definition.main || value[name] !== undefined) ?? '';
  return [...path, option === definition.main ? form.verb : option];
}
