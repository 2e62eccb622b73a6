import { statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type * as z from 'zod';
import { BatchxError } from '../core/errors.js';
import { metaOf } from '../core/option-meta.js';
import { OwnFiles } from '../core/own-files.js';
import type { Registry } from '../core/registry.js';
import { ROOT } from '../journal/root.js';
import type { JournalState } from '../journal/load-journal.js';
import type { Plan } from './plan.js';

/** What keeps the state of a run, and knows what the runs before it have written. */
export interface OwnJob {
  readonly folder: string;
  /** The path is seen from the current folder. */
  hasWritten(path: string): boolean;
}

/** What a job tells that is only looked at. */
export const ownJobOf = ({ folder, state }: { folder: string; state: JournalState }): OwnJob => ({
  folder,
  hasWritten: (path) => state.hasWritten(path),
});

/** What a plan writes beside the files of items, as it is seen from the current folder. */
export function writtenBy(plan: Plan, registry: Registry): string[] {
  const sinks = plan.sinks.flatMap(({ name, options }) => {
    const definition = registry.get('sink', name);
    // Where those write that have a file for each item is known when they do.
    if (definition.writes !== undefined) return [];
    return Object.entries(definition.options.shape as Record<string, z.ZodType>).flatMap(([key, option]) => {
      const path = options[key];
      return metaOf(option).place === 'output' && typeof path === 'string' && path !== '-' ? [path] : [];
    });
  });
  return [...sinks, ...(plan.writes ?? [])].map((path) => relative('', path));
}

/**
 * The files that a run of a plan writes itself. What was there before any run of its job is somebody else's: when it is
 * among the input that throws, as it would be overwritten.
 */
export function ownOfPlan(plan: Plan, registry: Registry, job: OwnJob | undefined): OwnFiles {
  const written = writtenBy(plan, registry);
  for (const path of written) {
    if (job?.hasWritten(path) === true || !isFile(path) || !isRead(plan, registry, path)) continue;
    throw new BatchxError('usage', `cannot write ${path}: it is read by this run; write to another file`);
  }
  return new OwnFiles({
    // Other jobs have theirs beside it.
    outputs: [...written, job === undefined ? ROOT : dirname(job.folder)],
    state: job?.folder,
    wrote: job && ((path) => job.hasWritten(path)),
  });
}

/** Whether a file is among those that are looked for. */
const isRead = ({ sources }: Plan, registry: Registry, path: string): boolean =>
  sources.some(({ name, options }) => {
    const source = registry.get('source', name);
    return source.covers?.(source.options.parse(options), resolve(path)) === true;
  });

/** Whether there is a file with something in it. */
function isFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size > 0;
}
