import type { Item } from '../item.js';
import type { TriedStep } from './tried-step.js';
import type { WaitListener } from './waiting.js';

/** What tells the waits of an item as events; undefined when nobody listens. */
export function waitsTold({ policies: { name: step }, runtime }: TriedStep, item: Item): WaitListener | undefined {
  const { events, scheduler } = runtime;
  if (!events.listens('batch:wait') && !events.listens('batch:wait:end')) return undefined;
  let since = 0;
  return {
    began({ reason, of, ms }) {
      since = scheduler.now();
      const left = ms?.();
      const until = left === undefined ? undefined : runtime.wallNow() + left;
      events.emit('batch:wait', { item, step, reason, of, until });
    },
    over({ reason, of }) {
      events.emit('batch:wait:end', { item, step, reason, of, ms: scheduler.now() - since });
    },
  };
}
