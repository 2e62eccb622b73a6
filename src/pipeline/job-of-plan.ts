import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileName } from '../core/output-path.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import type { Durability } from '../journal/append-file.js';
import { Job } from '../journal/job.js';
import { firstRecord } from '../journal/job-files.js';
import type { EndedHow } from '../journal/records.js';
import { recall, type RecallOptions } from '../journal/recall.js';
import { DurableJob } from '../journal/durable-job.js';
import { doneIn, type DurableSink } from '../journal/done-sink.js';
import type { Durable } from '../core/durable.js';
import type { Item } from '../core/item.js';
import type { Outcome } from '../core/outcome.js';
import type { OperatorFunction } from 'rxjs';
import { chainOf, linkOf, saidBy } from './chain.js';
import { isShown, linesOf } from './is-shown.js';
import type { Plan } from './plan.js';
import type { KeptLine } from '../journal/results-file.js';
import type { RunResult } from './run.js';

/** In which job a plan is run, and what is done with what it knows. */
export interface JobUse extends Pick<RecallOptions, 'retry' | 'onDuplicate'> {
  /** The folder of all jobs; `.batchx` unless said. */
  readonly root?: string | undefined;
  /** What the job is called; with a star in the place of a name that is made of what is run. */
  readonly name: string;
  readonly version: string;
  readonly durability?: Durability | undefined;
  readonly args?: readonly string[] | undefined;
  /** Throws when there is nothing to go on with. */
  readonly resume?: boolean | undefined;
  /** Begins anew when all was done. */
  readonly anew?: boolean | undefined;
  /** Begins anew. */
  readonly fresh?: boolean | undefined;
  /** Whether what was done earlier is not shown again. */
  readonly onlyNew?: boolean | undefined;
}

/** A job that is open, with what a run needs of it. */
export interface OpenJob {
  readonly job: Job;
  readonly durable: Durable;
  /** Looks up items, and the parts that they are split into. */
  readonly recall: OperatorFunction<Item, Item>;
  /** Writes to sinks, then what became of the items to the job. */
  done(sinks: readonly DurableSink[], runtime: Runtime): OperatorFunction<Item, Outcome>;
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
  const name = use.name.replace('*', () => wordFor(plan, chain));
  const job = new Job({
    folder: folderOf({ ...use, name }),
    name,
    chain,
    version: use.version,
    at: new Date(runtime.wallNow()).toISOString(),
    stamp: use.stamp,
    durability: use.durability,
    args: use.args,
    scheduler: runtime.scheduler,
    random: () => runtime.random(),
    fresh: use.fresh,
    resume: use.resume,
    anew: use.anew,
  });
  // Of what failed everything is known again in any case.
  const shows = plan.sinks.some(
    (sink) => isShown(sink, registry) && registry.get('sink', sink.name).takes !== 'failed',
  );
  const shown = aggregates || shows;
  const lines = plan.sinks.flatMap((sink) => linesOf(sink, registry) ?? []);
  job.lookAt(lines);
  const again = shown || lines.length > 0;

  const options: RecallOptions = {
    replay: shown && use.onlyNew !== true,
    needs: job.altered.size > 0,
    splits: again && plan.steps.some(({ kind }) => kind === 'flow'),
    intact: isThere,
    retry: use.retry,
    onDuplicate: use.onDuplicate,
  };
  return {
    job,
    durable: new DurableJob(job),
    recall: recall(job, options),
    done: (sinks, run) => doneIn(job, sinks, { runtime: run, keeps: again, ordered: plan.ordered === true }),
  };
}

/** What tells what is run from other work, where nobody has given it a name. */
const wordFor = ({ sources }: Plan, chain: readonly string[]): string =>
  linkOf(chain.at(-1) as string, JSON.stringify(saidBy(sources))).slice(0, 8);

/** Where jobs are kept. */
const ROOT = '.batchx';

const folderOf = ({ root = ROOT, name }: JobUse): string => join(root, fileName(name));

/** When the first run of a job began, as `run.stamp` says it; undefined when it has had none, or begins anew. */
export const stampOf = (use: JobUse): string | undefined =>
  use.fresh === true ? undefined : firstRecord(folderOf(use))?.stamp;

/** Closes a job at the end of its run, and notes how that ended. */
export async function closingJob({ job }: OpenJob, plan: Plan, running: Promise<RunResult>): Promise<RunResult> {
  try {
    const result = await running;
    const cut = plan.limit !== undefined && result.counts.read >= plan.limit;
    await job.close(howEnded(result, cut));
    return result;
  } catch (error) {
    await job.close('error').catch(() => undefined);
    throw error;
  }
}

function howEnded({ error, interrupted, halted }: RunResult, cut: boolean): EndedHow {
  if (error !== undefined) return 'error';
  if (interrupted) return 'interrupted';
  if (halted !== undefined) return 'halted';
  return cut ? 'partial' : 'complete';
}

/** Whether the files that were written for an item are there, as far as their size tells. */
async function isThere({ w = [] }: KeptLine): Promise<boolean> {
  for (const { path, size } of w) if ((await stat(path).catch(() => undefined))?.size !== size) return false;
  return true;
}
