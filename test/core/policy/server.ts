import { type AdaptiveConcurrency, type AttemptLoad } from '../../../src/core/policy/adaptive.js';

/** What a server is like, by how many calls have ended. */
export interface ServerOptions {
  /** How many calls it works on at once; the others wait for their turn. */
  readonly workers: (ended: number) => number;
  /** How long it works on one, in milliseconds. */
  readonly service: (ended: number) => number;
  /** It refuses what comes when so many are there. */
  readonly room?: (ended: number) => number;
}

export interface Played {
  readonly ms: number;
  readonly refused: number;
  /** The caps, each with how many calls had ended when it came. */
  readonly caps: readonly { readonly ended: number; readonly cap: number }[];
  /** The share of calls, from one on, that ended under caps between two bounds. */
  within(least: number, most: number, from: number, to?: number): number;
}

interface Call {
  readonly ticket: number;
  readonly began: number;
}

/** Numbers from 0 to 1 that look random and are the same each time. */
export function chance(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Calls a server in virtual time, as many at once as the cap says, and as soon as it lets them. */
export function play(adaptive: AdaptiveConcurrency, total: number, server: ServerOptions): Played {
  const due: { readonly at: number; readonly act: () => void }[] = [];
  const queue: Call[] = [];
  const caps: { ended: number; cap: number }[] = [];
  let [now, started, ended, running, working, refused, cap] = [0, 0, 0, 0, 0, 0, 0];

  const at = (ms: number, act: () => void): void => {
    let i = due.length;
    while (i > 0 && (due[i - 1]?.at ?? 0) <= now + ms) i--;
    due.splice(i, 0, { at: now + ms, act });
  };
  const end = ({ ticket, began }: Call, result: AttemptLoad): void => {
    running--;
    ended++;
    adaptive.record(ticket, result, now - began);
    fill();
  };
  const work = (): void => {
    while (working < server.workers(ended) && queue.length > 0) {
      const call = queue.shift() as Call;
      working++;
      at(server.service(ended), () => {
        working--;
        end(call, 'success');
        work();
      });
    }
  };
  const fill = (): void => {
    while (running < cap && started < total) {
      started++;
      running++;
      const call = { ticket: adaptive.start(), began: now };
      if (queue.length + working < (server.room?.(ended) ?? Infinity)) queue.push(call);
      else {
        refused++;
        at(5, () => end(call, 'overload'));
      }
    }
    work();
  };
  adaptive.caps.subscribe((next) => {
    cap = next;
    caps.push({ ended, cap });
  });
  fill();
  for (let next = due.pop(); next !== undefined; next = due.pop()) {
    now = next.at;
    next.act();
  }
  const within = (least: number, most: number, from: number, to = total): number => {
    let inside = 0;
    for (const [i, { ended: since, cap: size }] of caps.entries()) {
      const until = Math.min(caps[i + 1]?.ended ?? total, to);
      if (size >= least && size <= most) inside += Math.max(0, until - Math.max(since, from));
    }
    return inside / (to - from);
  };
  return { ms: now, refused, caps, within };
}
