import type { Subscription } from 'rxjs';
import type { WaitReason } from '../events.js';
import type { Item } from '../item.js';
import { wait as timer } from '../wait.js';
import type { TriedStep } from './tried-step.js';
import type { WaitFor, WaitListener } from './waiting.js';

/** What tells the waits of an item as events; undefined when nobody listens. */
export function waitsTold({ policies: { name: step }, runtime }: TriedStep, item: Item): WaitListener | undefined {
  const { events, scheduler } = runtime;
  if (!events.listens('batch:wait') && !events.listens('batch:wait:end')) return undefined;
  let since = 0;
  let reason: WaitReason = 'slot';
  let pause: Subscription | undefined = undefined;
  const begin = (of: string | undefined, why: WaitReason, until: number | undefined): void => {
    since = scheduler.now();
    reason = why;
    events.emit('batch:wait', { item, step, reason, of, until });
  };
  const end = (of: string | undefined): void => {
    events.emit('batch:wait:end', { item, step, reason, of, ms: scheduler.now() - since });
  };
  /** What is waited for from the end of the pause on is another wait. It may have become longer by then. */
  const watch = (wait: WaitFor, paused: number, until: number | undefined): void => {
    pause = timer(paused, scheduler).subscribe(() => {
      const more = wait.pausedMs?.() ?? 0;
      if (more > 0) watch(wait, more, until === undefined ? undefined : until + more);
      else {
        end(wait.of);
        begin(wait.of, wait.reason, until);
      }
    });
  };
  return {
    began(wait) {
      const left = wait.ms?.();
      const now = runtime.wallNow();
      const until = left === undefined ? undefined : now + left;
      const paused = wait.pausedMs?.() ?? 0;
      begin(wait.of, paused > 0 ? 'throttled' : wait.reason, paused > 0 ? now + paused : until);
      if (paused > 0) watch(wait, paused, until);
    },
    over({ of }) {
      pause?.unsubscribe();
      end(of);
    },
  };
}
