import { builtin } from '../builtin.js';
import type { Registry } from '../core/registry.js';
import { letterItems, LETTERS } from '../journal/letter-items.js';
import type { Letters } from '../journal/letters.js';
import type { Plan } from '../pipeline/plan.js';

/** Which items of a job are run again, in the place of what its command line reads. */
export interface Retrying {
  readonly job: string;
  readonly letters: Letters;
  /** Whether those are among them that are in doubt. */
  readonly retry: 'failed' | 'all';
}

/** The components of a run. */
export const registryFor = (retrying: Retrying | undefined): Registry =>
  retrying === undefined ? builtin : builtin.with(letterItems(retrying.letters));

/** The plan that runs just those items. */
export function planFor(plan: Plan, retrying: Retrying | undefined, as = madeBy(plan)): Plan {
  if (retrying === undefined) return plan;
  return { ...plan, sources: [{ name: LETTERS, options: { as } }], limit: undefined, total: undefined };
}

/** What the sources of a plan make of what they read, where JSON makes something else of it. */
function madeBy({ sources }: Plan): 'values' | 'files' | 'rows' {
  const named = (name: string): boolean => sources.some((source) => source.name === name);
  return named('arguments') ? 'values' : named('files') ? 'files' : 'rows';
}
