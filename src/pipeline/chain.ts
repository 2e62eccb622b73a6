import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type * as z from 'zod';
import { fingerprint } from '../core/cache/plain.js';
import { metaOf } from '../core/option-meta.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import type { Plan, StepUse } from './plan.js';

/** How many digits of a hash make a link. */
const DIGITS = 16;

/**
 * What each step does, with all steps before it: the first link is that of what is read, the next that of the first step;
 * the last one that of all, with the files that are written of results. As long as its link is the same, so is what a step
 * makes of the same item.
 *
 * How a step is tried - how many at once, how often, how fast - changes no result and is no part of it.
 */
export function chainOf(plan: Plan, registry: Registry, { context }: Pick<Runtime, 'context'>): string[] {
  const links = [linkOf('', 'batchx')];
  for (const use of plan.steps) {
    const words = [wordsOf(use, context), ...partsOf(use, registry)].join('\n');
    links.push(linkOf(links.at(-1) as string, words));
  }
  // Files that are written of results are there by other names when their sink is another one.
  const files = plan.sinks.filter(({ name }) => registry.get('sink', name).writes !== undefined);
  if (files.length > 0) links.push(linkOf(links.at(-1) as string, JSON.stringify(saidBy(files))));
  return links;
}

/** The link behind another one. */
export const linkOf = (before: string, what: string): string => hash('sha256', `${before}\n${what}`).slice(0, DIGITS);

/** What a step does, in a text that is the same whenever it does the same. */
function wordsOf(use: StepUse, context: Runtime['context']): string {
  const { name, kind, says, options, output, when, accepts, returns, optional } = use;
  const what = [
    name,
    kind,
    saidBy(says ?? options),
    output,
    saidBy(when),
    saidBy(accepts),
    saidBy(returns),
    optional === true,
  ];
  const text = JSON.stringify(what);
  // The settings are a part of what it does where it names them.
  const named = { ...context, ...use.context };
  return text.includes('config') ? `${text}\n${fingerprint(named.config ?? null) ?? ''}` : text;
}

/** The content of the files that are a part of what a step does, such as its module. */
function partsOf({ name, kind, options }: StepUse, registry: Registry): string[] {
  const shape = registry.get(kind ?? 'step', name).options.shape as Record<string, z.ZodType>;
  return Object.entries(shape).flatMap(([key, option]) => {
    const path = options[key];
    if (metaOf(option).place !== 'pipeline' || typeof path !== 'string') return [];
    try {
      return [hash('sha256', readFileSync(path))];
    } catch {
      // What is no file is said in the option itself.
      return [];
    }
  });
}

/** A value as text; of a function its source. */
export function saidBy(value: unknown): unknown {
  if (typeof value === 'function') return sourceOf(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(saidBy);
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, saidBy((value as Record<string, unknown>)[key])]),
  );
}

const sourceOf = (value: { readonly source?: unknown; toString(): string }): string =>
  typeof value.source === 'string' ? value.source : value.toString();
