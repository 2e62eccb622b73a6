import { availableParallelism, totalmem } from 'node:os';

/** Below this much memory half of the processors are used. */
const LITTLE = 4 * 1024 ** 3;

/** How many commands run side by side unless said: one less than there are processors, half of that in little memory. */
export function usualWorkers(processors = availableParallelism(), memory = totalmem()): number {
  const most = processors - 1;
  return Math.max(1, memory < LITTLE ? Math.floor(most / 2) : most);
}

/** How many a share of the processors such as `50%`, or `auto`, is; a number is itself. */
export function workersOf(text: number | string, processors = availableParallelism()): number {
  if (typeof text === 'number') return text;
  if (text === 'auto') return usualWorkers(processors);
  return Math.max(1, Math.round((processors * Number.parseInt(text, 10)) / 100));
}
