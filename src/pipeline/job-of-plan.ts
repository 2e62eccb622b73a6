import { join } from 'node:path';
import { fileName } from '../core/output-path.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import type { Durability } from '../journal/append-file.js';
import { isThere, isUnaltered } from '../journal/intact.js';
import { Job } from '../journal/job.js';
import type { JobOptions } from '../journal/job-options.js';
import { holderOf } from '../journal/lock.js';
import { firstRecord } from '../journal/job-files.js';
import type { EndedHow } from '../journal/records.js';
import { recall } from '../journal/recall.js';
import type { RecallOptions } from '../journal/recall-options.js';
import { allResults } from '../journal/all-results.js';
import { lineageOf } from '../journal/lineage.js';
import { DurableJob } from '../journal/durable-job.js';
import { ROOT } from '../journal/root.js';
import { doneIn } from '../journal/done-sink.js';
import type { DurableSink } from '../journal/durable-sink.js';
import type { Durable } from '../core/durable.js';
import type { Item } from '../core/item.js';
import type { Outcome } from '../core/outcome.js';
import type { OperatorFunction } from 'rxjs';
import { chainOf, linkOf, saidBy } from './chain.js';
import { outputsOf, type PlanOutputs } from './outputs-of-plan.js';
import type { Plan } from './plan.js';
import type { RunResult } from './run-result.js';

/** In which job a plan is run, and what is done with what it knows. */
export interface JobUse extends Pick<RecallOptions, 'retry' | 'onDuplicate'> {
  /** The folder of all jobs; `.batchx` unless said. */
  readonly root?: string | undefined;
  /** What the job is called; with a star in the place of a name that is made of what is run. */
  readonly name: string;
  readonly version: string;
  readonly durability?: Durability | undefined;
  /** The command line, and where it was given. */
  readonly args?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
  /** Only some of its items are read: the others are not gone, and the end of them is not that of the job. */
  readonly part?: boolean | undefined;
  /** Takes it over from whoever has it. */
  readonly force?: boolean | undefined;
  /** Throws when there is nothing to go on with. */
  readonly resume?: boolean | undefined;
  /** Begins anew when all was done. */
  readonly anew?: boolean | undefined;
  /** Begins anew. */
  readonly fresh?: boolean | undefined;
  /** Whether what was done earlier is not shown again. */
  readonly onlyNew?: boolean | undefined;
  /** Whether the files that were written for items are read, to find those that were altered. */
  readonly verify?: boolean | undefined;
}

/** A job that is open, with what a run needs of it. */
export interface OpenJob {
  readonly job: Job;
  /** When this run began, as ISO 8601 says it. */
  readonly at: string;
  /** Whether only some of its items are read. */
  readonly part: boolean;
  /** Whether items are split: what its job knows of parts is counted with what it knows of items. */
  readonly parts: boolean;
  /** How the run has ended, once it has. */
  how?: EndedHow;
  readonly durable: Durable;
  readonly durability: Durability;
  /** Told of each item as it gets its turn, where items wait for theirs. */
  readonly onBegin: (item: Item) => void;
  /** The same, with another way to open outputs that lines are added to. */
  appending(append: Durable['append']): Durable;
  /** Looks up items, and the parts that they are split into. */
  readonly recall: OperatorFunction<Item, Item>;
  /** Writes to sinks, then what became of the items to the job, and shows it to those behind them. */
  done(
    sinks: readonly DurableSink[],
    shown: readonly OperatorFunction<unknown, unknown>[],
    runtime: Runtime,
  ): OperatorFunction<Item, Outcome>;
  /** Gives all results of the job in the place of those of a run that reads only some of its items. */
  readonly all: OperatorFunction<Outcome, Outcome> | undefined;
}

/** Opens the job of a plan. Throws when another run has it, or it cannot be read. */
export function openJob(
  use: JobUse & { readonly stamp: string },
  plan: Plan,
  registry: Registry,
  runtime: Runtime,
  aggregates: boolean,
): OpenJob {
  const chain = chainOf(plan, registry, runtime);
  const later = isSlow(plan, registry);
  const parts = plan.steps.some(({ kind, name }) => kind === 'flow' && registry.get('flow', name).splits === true);
  const at = new Date(runtime.wallNow()).toISOString();
  const job = openNamed(
    use,
    (name) => ({
      folder: folderOf({ ...use, name }),
      name,
      chain,
      version: use.version,
      at,
      stamp: use.stamp,
      durability: use.durability,
      args: use.args?.map((arg) => runtime.redact(arg)),
      cwd: use.cwd,
      scheduler: runtime.scheduler,
      random: () => runtime.random(),
      redact: (text) => runtime.redact(text),
      startsLater: later,
      parts,
      stopping: AbortSignal.any([runtime.stopping, runtime.signal]),
      fresh: use.fresh,
      resume: use.resume,
      force: use.force,
      anew: use.anew,
    }),
    () => wordFor(plan, chain),
  );
  if (job.torn > 0)
    runtime.events.emit('batch:warning', {
      message: `the journal of the job ${job.name} ended in ${job.torn} bytes of an unfinished record, which were cut off`,
    });
  const { lines, keeps, hidden, ...outputs } = outputsOf(plan, registry, aggregates);
  job.lookAt(lines);
  const options = recallOptionsFor(use, plan, { ...outputs, needs: job.outputs.altered.size > 0 });
  const { part = false } = use;
  job.paths.hidden = hidden || options.part === true;
  return {
    job,
    at,
    part,
    parts,
    durable: new DurableJob(job),
    durability: use.durability ?? 'power',
    onBegin: (item) => {
      if (later) job.running.start(lineageOf(item));
    },
    appending: (append) => new DurableJob(job, append),
    recall: recall(job, options),
    all: part ? allResults(job, runtime) : undefined,
    done: (those, behind, run) =>
      doneIn(job, those, {
        runtime: run,
        keeps,
        part,
        aggregates,
        ordered: plan.ordered === true,
        shown: behind,
      }),
  };
}

/** Whether there is a step at which items may be for some time. */
const isSlow = ({ steps }: Plan, registry: Registry): boolean =>
  steps.some(({ kind, name }) => kind !== 'flow' && registry.get('step', name).workers !== undefined);

/** What a run does with what earlier ones have left. */
export const recallOptionsFor = (
  { onlyNew, retry, onDuplicate, verify, part }: Pick<JobUse, 'onlyNew' | 'retry' | 'onDuplicate' | 'verify' | 'part'>,
  plan: Plan,
  {
    shown,
    splits,
    remembers,
    gathers: together,
    aggregates,
    oneByOne,
    needs,
  }: Omit<PlanOutputs, 'lines' | 'keeps' | 'hidden'> & {
    readonly needs: boolean;
  },
): RecallOptions => ({
  replay: shown && onlyNew !== true,
  needs,
  alone: oneByOne,
  splits,
  remembers,
  gathers: together,
  aggregates,
  part: part === true || plan.limit !== undefined,
  intact: verify === true ? isUnaltered : isThere,
  retry,
  onDuplicate,
});

/** How many runs of the same work, which nobody has given a name, may go on at once. */
const AT_ONCE = 100;

/** Opens a job by its name; where it has none, and another run has the one that it would have, by one with a number. */
function openNamed({ name }: JobUse, options: (name: string) => JobOptions, word: () => string): Job {
  if (!name.includes('*')) return new Job(options(name));
  const made = name.replace('*', word);
  for (let nth = 1; ; nth++) {
    const given = options(nth === 1 ? made : `${made}-${nth}`);
    try {
      return new Job(given);
    } catch (error) {
      if (nth === AT_ONCE || holderOf(given.folder) === undefined) throw error;
    }
  }
}

/** What tells what is run from other work, where nobody has given it a name. */
const wordFor = ({ sources }: Plan, chain: readonly string[]): string =>
  linkOf(chain.at(-1) as string, JSON.stringify(saidBy(sources))).slice(0, 8);

/** Where a job is kept. */
export const folderOf = ({ root = ROOT, name }: Pick<JobUse, 'root' | 'name'>): string => join(root, fileName(name));

/** When the first run of a job began, as `run.stamp` says it; undefined when it has had none, or begins anew. */
export const stampOf = (use: JobUse): string | undefined =>
  use.fresh === true ? undefined : firstRecord(folderOf(use))?.stamp;

/** Closes a job at the end of its run, and notes how that ended. */
export async function closingJob(open: OpenJob, plan: Plan, running: Promise<RunResult>): Promise<RunResult> {
  try {
    const result = await running;
    const cut = plan.limit !== undefined && result.counts.read >= plan.limit;
    open.how = howEnded(result, cut);
    // A part of the items leaves it open how the others stand.
    await open.job.close(open.part ? (open.job.state.end ?? 'partial') : open.how);
    return result;
  } catch (error) {
    await open.job.close('error').catch(() => undefined);
    throw error;
  }
}

function howEnded({ error, interrupted, halted }: RunResult, cut: boolean): EndedHow {
  if (error !== undefined) return 'error';
  if (interrupted) return 'interrupted';
  if (halted !== undefined) return 'halted';
  return cut ? 'partial' : 'complete';
}
