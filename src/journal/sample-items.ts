import { stat } from 'node:fs/promises';
import { STATE } from './item-table.js';
import type { PeekedJob } from './peek-job.js';
import type { ReadLine } from './results-file.js';

/** An item that was done, as it is to be looked at. */
export interface Sampled {
  readonly id: string;
  /** What came of it; undefined when that was not kept. */
  readonly result: unknown;
  readonly files: readonly SampledFile[];
}

export interface SampledFile {
  readonly path: string;
  readonly size: number;
  /** Whether it is there, in the size in which it was written. */
  readonly state: 'as written' | 'changed' | 'missing';
}

/** Some of the items that went well, each as likely as the others, in the order in which they came. */
export async function sampleItems(
  { table, results }: PeekedJob,
  count: number,
  random: () => number,
): Promise<{ readonly of: number; readonly items: readonly Sampled[] }> {
  const chosen: number[] = [];
  let of = 0;
  for (let entry = 0; entry < table.size; entry++) {
    if (table.state(entry) !== STATE.ok || table.place(entry) === undefined) continue;
    of++;
    if (chosen.length < count) chosen.push(entry);
    else {
      const at = Math.floor(random() * of);
      if (at < count) chosen[at] = entry;
    }
  }
  const lines = chosen.sort((a, b) => a - b).map((entry) => results.read(table.place(entry) as number));
  return { of, items: await Promise.all(lines.map(sampled)) };
}

async function sampled(line: ReadLine): Promise<Sampled> {
  const { id, w = [] } = line;
  return { id, result: resultOf(line), files: await Promise.all(w.map(look)) };
}

function resultOf({ n, d, t, o }: ReadLine): unknown {
  if (n === 1) return undefined;
  if (o?.result !== undefined) return o.result;
  if (d !== undefined || t === undefined) return d;
  try {
    return JSON.parse(t);
  } catch {
    return t;
  }
}

async function look({ path, size }: { readonly path: string; readonly size: number }): Promise<SampledFile> {
  const now = await stat(path).catch(() => undefined);
  return { path, size, state: now === undefined ? 'missing' : now.size === size ? 'as written' : 'changed' };
}
