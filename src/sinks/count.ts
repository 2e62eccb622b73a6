import * as z from 'zod';
import type { Aggregator } from '../core/aggregator.js';
import { defineAggregator } from '../core/define.js';

/**
 * Counts the items. Holds one number.
 *
 * @example
 * import { aggregate, count, literals } from 'batchx';
 *
 * literals(['a', 'b']).pipe(aggregate(count())).subscribe((n) => console.log(n)); // 2
 */
export function count(): Aggregator<unknown, number> {
  return () => {
    let n = 0;
    return {
      add() {
        n++;
      },
      result: () => n,
    };
  };
}

export const countAggregator = defineAggregator({
  name: 'count',
  status: 'stable',
  summary: 'Counts the items.',
  options: z.strictObject({}),
  examples: [{ title: 'How many', options: {} }],
  create: () => count(),
});
