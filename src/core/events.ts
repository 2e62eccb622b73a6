import type { BatchxError } from './errors.js';
import type { Item } from './item.js';
import type { Outcome } from './outcome.js';

/** What a call waits for before it is made, or made again. */
export type WaitReason =
  /** A permit of its rate. */
  | 'rate'
  /** A breaker that is open. */
  | 'breaker'
  /** The time before it is tried again. */
  | 'retry'
  /** The time that the other side has asked for. */
  | 'throttled'
  /** A place among the calls that run. */
  | 'slot';

/** How many items a stage has begun, how many of them it is done with, and what became of those. */
export interface StageCounts {
  readonly begun: number;
  /** Those of them that have left it; one whose call was given up is none of the three below. */
  readonly ended: number;
  readonly ok: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Consecutive steps that share their workers. Its figures go on changing until the end of the run. */
export interface StageState {
  readonly steps: readonly string[];
  /** How many items it works on at once. */
  readonly concurrency: number;
  readonly counts: StageCounts;
}

/** What is said while a run goes on, by name. Progress, reports and hooks listen; steps need not know of them. */
export interface EventMap {
  /** The run begins. */
  'batch:start': {
    readonly name: string;
    /** How many items there are, where that is known before they are read. */
    readonly total?: number | undefined;
    readonly stages?: readonly StageState[] | undefined;
  };
  /** All of the input has been read: so many items it has. Not told of one that was cut short by the end of the run. */
  'batch:read': { readonly items: number };
  /** An item of the source enters the pipeline. */
  'batch:item:start': Item;
  /** A command is about to be run for an item. */
  'batch:command': { readonly item: Item; readonly command: string };
  /** An attempt has failed, and there will be another one after a wait of `waitMs` milliseconds. */
  'batch:attempt': {
    readonly item: Item;
    /** What the step is called, where that is known. */
    readonly step?: string | undefined;
    readonly attempt: number;
    readonly error: unknown;
    readonly waitMs: number;
  };
  /** An attempt is over; `error` is there when it failed. */
  'batch:attempt:end': {
    readonly item: Item;
    readonly step?: string | undefined;
    readonly attempt: number;
    readonly ms: number;
    readonly error?: unknown;
  };
  /** A call has to wait. Told only when it really does. */
  'batch:wait': {
    readonly item: Item;
    readonly step?: string | undefined;
    readonly reason: WaitReason;
    /** The name of the rate or the breaker, where it has one. */
    readonly of?: string | undefined;
    /** When it will be over at the earliest, in milliseconds since 1970, where that is known. */
    readonly until?: number | undefined;
  };
  /** The wait is over, after so many milliseconds, whether the call is made now or not. */
  'batch:wait:end': {
    readonly item: Item;
    readonly step?: string | undefined;
    readonly reason: WaitReason;
    readonly of?: string | undefined;
    readonly ms: number;
  };
  /** The result of a step for an item was looked for in its cache, and found there or not. */
  'batch:cache': { readonly item: Item; readonly step: string; readonly hit: boolean };
  /** How many calls of a step may run at once has been found out anew. */
  'batch:concurrency': { readonly step: string; readonly cap: number };
  /** A breaker has changed its state. */
  'batch:breaker': {
    readonly name: string;
    /** Which of several it is, where each key has its own. */
    readonly key?: string | undefined;
    readonly from: string;
    readonly to: string;
    readonly reason: string;
    /** The results that it has judged by. */
    readonly calls: number;
    readonly failures: number;
  };
  /** An input has been read, to its end or not. */
  'batch:input': { readonly path: string; readonly bytes: number };
  /** An output has been written and closed; `item` is there when it is the file of one item alone. */
  'batch:output': { readonly path: string; readonly bytes: number; readonly item?: Item | undefined };
  /** A folder was made. */
  'batch:folder': { readonly path: string };
  /** An item of the source is settled. */
  'batch:item:end': Outcome;
  /** Something the user should know that is nobody's failure. */
  'batch:warning': { readonly message: string; readonly where?: string | undefined };
  /** The run is over; `error` is there when it could not go on. */
  'batch:end': { readonly error?: BatchxError | undefined };
}

export type EventName = keyof EventMap;
type Listener<E extends EventName> = (payload: EventMap[E]) => void;

type Listeners = { [E in EventName]: readonly Listener<E>[] };

const NONE: Listeners = {
  'batch:start': [],
  'batch:read': [],
  'batch:item:start': [],
  'batch:command': [],
  'batch:attempt': [],
  'batch:attempt:end': [],
  'batch:wait': [],
  'batch:wait:end': [],
  'batch:cache': [],
  'batch:concurrency': [],
  'batch:breaker': [],
  'batch:input': [],
  'batch:output': [],
  'batch:folder': [],
  'batch:item:end': [],
  'batch:warning': [],
  'batch:end': [],
};

/** The names of all events. */
export const EVENT_NAMES = Object.keys(NONE) as readonly EventName[];

/** The one stream of events of a run. Listeners are called at once, in the order in which they came. */
export class Events {
  readonly #listeners: Listeners = { ...NONE };

  /** Listens to one kind of event; call what comes back to end it. */
  on<E extends EventName>(name: E, listener: Listener<E>): () => void {
    // Lists are replaced, not changed: a listener that ends while an event is told must not make the next one miss it.
    const listeners: { [N in E]: readonly Listener<N>[] } = this.#listeners;
    listeners[name] = [...listeners[name], listener];
    return () => {
      const at = listeners[name].indexOf(listener);
      if (at >= 0) listeners[name] = listeners[name].toSpliced(at, 1);
    };
  }

  /** Whether somebody listens: what is costly to tell need not be told to nobody. */
  listens(name: EventName): boolean {
    return this.#listeners[name].length > 0;
  }

  emit<E extends EventName>(name: E, payload: EventMap[E]): void {
    const listeners = this.#listeners[name];
    for (let i = 0; i < listeners.length; i++) (listeners[i] as Listener<E>)(payload);
  }
}
