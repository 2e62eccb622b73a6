import { lastValueFrom } from 'rxjs';
import { Events } from '../core/events.js';
import type { Item } from '../core/item.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { Secrets } from '../core/secrets.js';
import { goneFrom } from '../journal/gone.js';
import { alteredOf, knownIn } from '../journal/known.js';
import { JournalState } from '../journal/load-journal.js';
import { type PeekedJob, peekJob } from '../journal/peek-job.js';
import { recall } from '../journal/recall.js';
import type { Recalled, RecallJob } from '../journal/recall-options.js';
import { chainOf } from './chain.js';
import { compile } from './compile.js';
import { contextOf, secretsOf, withoutSecrets } from './file/context.js';
import type { PipelineFile } from './file/pipeline-file.js';
import { planOfFile } from './file/plan-of-file.js';
import { missingInput } from './inputs-there.js';
import { folderOf, type JobUse, recallOptionsFor, stampOf } from './job-of-plan.js';
import { outputsOf } from './outputs-of-plan.js';
import { ownJobOf, ownOfPlan } from './own-of-plan.js';
import type { Plan } from './plan.js';

/** What a run would do with an item, and why. */
export interface PlannedItem {
  readonly id: string;
  readonly state: Recalled | 'gone';
  /** Whether it would be run, or what is left to do for it. */
  readonly runs: boolean;
  /** The step that has changed, or is new, where it is that. */
  readonly step?: string | undefined;
  /** Why it fails, or has failed. */
  readonly error?: string | undefined;
}

/** What is known besides the items. */
export interface Planned {
  /** Why it is not known what is gone from the input: not all of it was read, or parts are of several items. */
  readonly untold: 'limit' | 'gathered' | undefined;
  /** How many files were found that runs have written themselves. */
  readonly own: number;
}

export interface PlanItemsOptions {
  readonly registry: Registry;
  readonly runtime: Runtime;
  readonly use: JobUse;
  /** Changes what is run, as flags of a command line do. */
  readonly change: (plan: Plan) => Plan;
  /** Told of each item, in the order of the input; and of those that are gone, at the end. */
  readonly tell: (item: PlannedItem) => void;
}

/**
 * Reads the whole input of a pipeline, and tells what a run of it would do with each item: as the run itself would find
 * that out. Nothing is run, written or locked.
 */
export async function planItems(file: PipelineFile, options: PlanItemsOptions): Promise<Planned> {
  const { registry, runtime: given, use, change, tell } = options;
  const context = contextOf(file, given, stampOf(use));
  const secrets = new Secrets(secretsOf(file, given));
  const env = withoutSecrets(file, given);
  // Its own events: nothing else of the process is to take this for a run.
  const runtime = { ...given, events: new Events(), env, context, redact: (text: string) => secrets.redact(text) };
  const { plan: whole, aggregate } = planOfFile(file, context, { ...runtime, env: given.env });
  const plan = change(whole);
  const missing = await missingInput(plan, registry);
  if (missing !== undefined) throw missing;
  const chain = chainOf(plan, registry, runtime);
  const there = peekJob(folderOf(use), chain.at(-1));
  const peeked = use.fresh === true ? undefined : there;
  const job = lookedUpIn(peeked, chain);
  const { lines, ...outputs } = outputsOf(plan, registry, aggregate !== undefined);
  const needs = alteredOf(lines, job.state, knownIn(job.table)).length > 0;
  const told = (state: Recalled, item: Item): void => tell(planned(state, item, plan, job, use.retry));
  const recalling = recall(job, { ...recallOptionsFor(use, plan, { ...outputs, needs }), tell: told });
  try {
    const watch = { onLimit: nothing, onRead: nothing, recall: recalling };
    const own = ownOfPlan(plan, registry, ownJobOf({ folder: folderOf(use), state: (there ?? job).state }));
    const looking = { ...runtime, own };
    await lastValueFrom(compile({ ...plan, steps: [] }, registry, looking, watch), { defaultValue: undefined });
    const flows = plan.steps.filter(({ kind }) => kind === 'flow');
    const isSplit = flows.map(({ name }) => registry.get('flow', name).splits === true);
    // Parts of what several items were made into are known by all of these.
    const gathered = isSplit.includes(false) && isSplit.lastIndexOf(true) > isSplit.indexOf(false);
    const untold = plan.limit !== undefined ? 'limit' : gathered ? 'gathered' : undefined;
    if (untold === undefined)
      for (const id of goneFrom(job, isSplit.includes(true))) tell({ id, state: 'gone', runs: false });
    return { untold, own: own.left };
  } finally {
    peeked?.close();
  }
}

/** A job as it is looked up in: what a run would note is not noted. */
function lookedUpIn(peeked: PeekedJob | undefined, chain: readonly string[]): RecallJob {
  const state = peeked?.state ?? new JournalState(chain.at(-1) as string);
  // Without a job nothing is known, so that no result is ever asked for.
  const results = peeked?.results as PeekedJob['results'];
  return { state, table: state.table, results, chain, superseded: false, touch: nothing };
}

function planned(state: Recalled, item: Item, plan: Plan, job: RecallJob, retry: JobUse['retry']): PlannedItem {
  const { id, live, error } = item;
  // What was split, or may be a duplicate, comes by again for what is made of it: nothing is done for that.
  const passes = state === 'done' || (state === 'failed' && retry !== 'failed' && retry !== 'all');
  return {
    id,
    state,
    runs: live && !passes,
    ...(state === 'step' && { step: changedStep(item, plan, job) }),
    ...(error !== undefined && { error: error.message }),
  };
}

/** The first step that is another one than when an item was done. */
function changedStep({ extra: { identity } }: Item, { steps }: Plan, job: RecallJob): string | undefined {
  const place = identity === undefined ? undefined : job.table.place(identity.entry);
  if (place === undefined) return undefined;
  const { s } = job.results.read(place);
  const before = [...job.state.chains.values()].find((chain) => chain.at(-1) === s) ?? [];
  const at = job.chain.findIndex((link, index) => link !== before[index]);
  const use = at > 0 ? steps[at - 1] : undefined;
  return use?.label ?? use?.name;
}

const nothing = (): void => undefined;
