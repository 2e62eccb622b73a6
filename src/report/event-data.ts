import { BatchxError } from '../core/errors.js';
import { EVENT_NAMES, type EventMap, type EventName, type Events } from '../core/events.js';
import type { Item } from '../core/item.js';
import type { ProgressFigures } from './run-progress.js';
import { round } from './round.js';

/** An event as plain data, for those outside of the process. */
export type EventData = Readonly<Record<string, unknown>>;

/** Tells each event of a run as plain data, as `progressSchema` has them; what it gives back ends that. */
export function tellAll(events: Events, tell: (name: EventName, data: EventData) => void): () => void {
  const ends = EVENT_NAMES.map((name) => {
    const dataOf = DATA[name] as (payload: EventMap[EventName]) => EventData;
    return events.on(name, (payload) => tell(name, dataOf(payload)));
  });
  return () => {
    for (const end of ends) end();
  };
}

/** How a run stands, as data of an event. */
export function progressData({ ms, counts, total, rate, remaining, ...rest }: ProgressFigures): EventData {
  const { retries, stages, waits, breakers } = rest;
  return {
    seconds: round(ms / 1000),
    ...counts,
    total: total ?? null,
    rate: round(rate),
    remaining:
      remaining === undefined
        ? null
        : { least: round(remaining.least / 1000), most: orNull(remaining.most, (most) => round(most / 1000)) },
    retries,
    stages: stages.map((stage) => ({ ...stage, steps: [...stage.steps] })),
    waits: waits.map(({ reason, of, steps, count, until }) => ({
      reason,
      of: of ?? null,
      steps: [...steps],
      count,
      until: orNull(until, timeOf),
    })),
    breakers: breakers.map(({ name, key, state, calls, failures }) => ({
      breaker: name,
      key: key ?? null,
      state,
      calls,
      failures,
    })),
  };
}

type DataOf = { readonly [E in EventName]: (payload: EventMap[E]) => EventData };

const DATA: DataOf = {
  'batch:start': ({ name, total, stages = [] }) => ({
    name,
    total: total ?? null,
    stages: stages.map(({ steps, concurrency }) => ({ steps: [...steps], concurrency })),
  }),
  'batch:read': ({ items }) => ({ items }),
  'batch:item:start': itemOf,
  'batch:command': ({ item, command }) => ({ ...itemOf(item), command }),
  'batch:attempt': ({ item, step, attempt, error, waitMs }) => ({
    ...itemOf(item),
    step: step ?? null,
    attempt,
    error: errorOf(error),
    waitMs: round(waitMs),
  }),
  'batch:attempt:end': ({ item, step, attempt, ms, error }) => ({
    ...itemOf(item),
    step: step ?? null,
    attempt,
    ms: round(ms),
    error: errorOf(error),
  }),
  'batch:wait': ({ item, step, reason, of, until }) => ({
    ...itemOf(item),
    step: step ?? null,
    reason,
    of: of ?? null,
    until: orNull(until, timeOf),
  }),
  'batch:wait:end': ({ item, step, reason, of, ms }) => ({
    ...itemOf(item),
    step: step ?? null,
    reason,
    of: of ?? null,
    ms: round(ms),
  }),
  'batch:cache': ({ item, step, hit }) => ({ ...itemOf(item), step, hit }),
  'batch:concurrency': ({ step, cap }) => ({ step, cap }),
  'batch:breaker': ({ name, key, from, to, reason, calls, failures }) => ({
    breaker: name,
    key: key ?? null,
    from,
    to,
    reason,
    calls,
    failures,
  }),
  'batch:input': ({ path, bytes }) => ({ path, bytes }),
  'batch:output': ({ path, bytes, item }) => ({ path, bytes, id: item?.id ?? null, seq: item?.seq ?? null }),
  'batch:folder': ({ path }) => ({ path }),
  'batch:item:end': ({ item, status, reason, error }) => ({
    ...itemOf(item),
    status,
    reason: reason ?? null,
    error: errorOf(error),
  }),
  'batch:warning': ({ message, where }) => ({ message, where: where ?? null }),
  'batch:end': ({ error }) => ({ error: errorOf(error) }),
};

function itemOf(item: Item): { readonly id: string; readonly seq: number } {
  return { id: item.id, seq: item.seq };
}

function errorOf(thrown: unknown): EventData | null {
  if (thrown === undefined) return null;
  const { code, class: kind, message, where } = BatchxError.from(thrown);
  return { code, class: kind, message, where: where ?? null };
}

const timeOf = (wall: number): string => new Date(wall).toISOString();

const orNull = <T, R>(value: T | undefined, of: (value: T) => R): R | null => (value === undefined ? null : of(value));
