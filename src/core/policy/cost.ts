import type { Item } from '../item.js';
import type { Limiter } from './limiter.js';
import type { Policies } from './policies.js';

/** What the calls of a step cost, in what its rate counts as tokens. */
export interface StepCost {
  /** What a call for an item will cost, where that is known before it is made. */
  readonly before: (item: Item) => number | undefined;
  /** What it has cost, where its result tells. */
  readonly after?: ((result: unknown) => number | undefined) | undefined;
}

/**
 * Lets calls take of a limit what they cost. Where that is not known before it is taken for what it was until now on the
 * average; what an answer says afterwards is put right.
 */
export function weighing({ before, after }: StepCost, limiter: Limiter): Pick<Policies, 'weight' | 'spent'> {
  let sum = 0;
  let calls = 0;
  return {
    weight: (item) => before(item) ?? (calls === 0 ? 1 : Math.min(sum / calls, limiter.most)),
    spent:
      after &&
      ((result) => {
        const spent = after(result);
        if (spent === undefined || !(spent >= 0 && spent < Infinity)) return undefined;
        sum += spent;
        calls++;
        return spent;
      }),
  };
}
