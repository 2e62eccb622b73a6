import { map, type MonoTypeOperatorFunction } from 'rxjs';
import * as z from 'zod';
import { withoutDoubt } from '../../core/dead-letter.js';
import { defineFlow } from '../../core/define.js';
import type { Item } from '../../core/item.js';

/**
 * Emits the items that an earlier run left in doubt as items that are to be run again, and all others as they are.
 *
 * Such items come from a file of dead letters. Without this operator they pass by all steps and stay in doubt, because
 * what they were to do may have been done: say so only once you know that it was not, or that it may be done twice.
 * Stands behind the source. Order is kept, and nothing is held.
 *
 * ```
 * failed.jsonl      -d-f-d-|      d is in doubt, f failed
 * retryInDoubt      -a-f-b-|      a and b are run again, as f is
 * ```
 *
 * @example
 * import { jsonl, retryInDoubt, step, toJsonl } from 'batchx';
 *
 * const pay = async ({ id }: { id: string }) => (await fetch(`https://bank.example/${id}`, { method: 'POST' })).status;
 * jsonl<{ id: string }>('failed.jsonl')
 *   .pipe(retryInDoubt(), step(pay, { effect: 'once' }), toJsonl('paid.jsonl'))
 *   .subscribe();
 */
export function retryInDoubt<T>(): MonoTypeOperatorFunction<Item<T>> {
  return map(withoutDoubt<T>);
}

export const retryInDoubtFlow = defineFlow({
  name: 'retry-in-doubt',
  oneByOne: true,
  status: 'stable',
  summary: 'Runs the items again that an earlier run left in doubt.',
  options: z.strictObject({}),
  examples: [{ title: 'What is known not to have been done', options: {} }],
  create: () => retryInDoubt(),
});
