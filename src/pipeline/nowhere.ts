import * as z from 'zod';
import { defineSink } from '../core/define.js';
import type { Item } from '../core/item.js';
import type { Plan } from './plan.js';

/** As a sink of a plan. */
export const NOWHERE = { name: 'nowhere', options: {} };

/** Writes nothing: the items are settled, and `take` is told of each. */
export const nowhere = (take: (item: Item) => void) =>
  defineSink({
    name: NOWHERE.name,
    status: 'stable',
    summary: 'Writes nothing: the items are settled.',
    takes: 'ok',
    options: z.strictObject({}),
    examples: [],
    open: () => ({ write: (items) => items.forEach(take), close: () => undefined }),
  });

export const nowhereSink = nowhere(() => undefined);

/** Items that no sink takes have come to their end all the same. */
export const endingNowhere = (plan: Plan): Plan => (plan.sinks.length > 0 ? plan : { ...plan, sinks: [NOWHERE] });
