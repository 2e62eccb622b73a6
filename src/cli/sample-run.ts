import { BatchxError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import { createRuntime } from '../core/runtime.js';
import { peekJob } from '../journal/peek-job.js';
import { type Sampled, sampleItems } from '../journal/sample-items.js';
import { type Ending, EXIT } from './exit.js';
import { number } from './progress-line.js';
import { cut, say } from './terminal.js';
import { whichJob } from './which-job.js';
import { writeOut } from './write-out.js';

export interface SampleFlags {
  readonly count: number;
  readonly seed?: number | undefined;
  readonly json: boolean;
}

/** Seeds below this are easily typed again. */
const SEEDS = 10_000;
/** The longest that a result is shown, in characters. */
const SHOWN = 400;

/** Shows some of the items of a job that went well, chosen by chance, with what came of them. */
export async function sampleJob(name: string | undefined, flags: SampleFlags): Promise<Ending> {
  const { count, json, seed = Math.floor(createRuntime().random() * SEEDS) } = flags;
  const job = whichJob(name, 'sample shop');
  const peeked = peekJob(job.folder);
  if (peeked === undefined) throw new BatchxError('usage', `no run of the job ${job.name} is known`);
  try {
    const { of, items } = await sampleItems(peeked, count, randomOf(seed));
    await writeOut(items.map((item) => (json ? `${JSON.stringify(item)}\n` : textOf(item))).join(''));
    if (of === 0) say(`nothing of ${job.name} is done so far`);
    else say(`${number(items.length)} of ${number(of)} that are done; --seed ${seed} shows the same again`);
    return EXIT.ok;
  } finally {
    peeked.close();
  }
}

function textOf({ id, result, files }: Sampled): string {
  const shown = result === undefined ? [] : [cut(typeof result === 'string' ? result : JSON.stringify(result), SHOWN)];
  const told = files.map(({ path, size, state }) => `${path}: ${number(size)} bytes, ${state}`);
  const lines = [...shown.flatMap((text) => text.trimEnd().split('\n')), ...told];
  return [printable(id), ...lines.map((line) => `  ${printable(line)}`)].map((line) => `${line}\n`).join('');
}

/** Numbers that look random and are the same each time (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
