import type { BatchxError } from './errors.js';
import type { Item } from './item.js';
import type { Outcome } from './outcome.js';

/** What is said while a run goes on, by name. Progress, reports and hooks listen; steps need not know of them. */
export interface EventMap {
  /** The run begins. */
  'batch:start': { readonly name: string };
  /** An item of the source enters the pipeline. */
  'batch:item:start': Item;
  /** A command is about to be run for an item. */
  'batch:command': { readonly item: Item; readonly command: string };
  /** An attempt has failed, and there will be another one after a wait of `waitMs` milliseconds. */
  'batch:attempt': { readonly item: Item; readonly attempt: number; readonly error: unknown; readonly waitMs: number };
  /** An item of the source is settled. */
  'batch:item:end': Outcome;
  /** Something the user should know that is nobody's failure. */
  'batch:warning': { readonly message: string; readonly where?: string | undefined };
  /** The run is over; `error` is there when it could not go on. */
  'batch:end': { readonly error?: BatchxError | undefined };
}

export type EventName = keyof EventMap;
type Listener<E extends EventName> = (payload: EventMap[E]) => void;

/** The one stream of events of a run. Listeners are called at once, in the order in which they came. */
export class Events {
  readonly #listeners: { [E in EventName]: Listener<E>[] } = {
    'batch:start': [],
    'batch:item:start': [],
    'batch:command': [],
    'batch:attempt': [],
    'batch:item:end': [],
    'batch:warning': [],
    'batch:end': [],
  };

  /** Listens to one kind of event; call what comes back to end it. */
  on<E extends EventName>(name: E, listener: Listener<E>): () => void {
    // Lists are replaced, not changed: a listener that ends while an event is told must not make the next one miss it.
    const listeners: { [N in E]: Listener<N>[] } = this.#listeners;
    listeners[name] = [...listeners[name], listener];
    return () => {
      const at = listeners[name].indexOf(listener);
      if (at >= 0) listeners[name] = listeners[name].toSpliced(at, 1);
    };
  }

  emit<E extends EventName>(name: E, payload: EventMap[E]): void {
    const listeners = this.#listeners[name];
    for (let i = 0; i < listeners.length; i++) (listeners[i] as Listener<E>)(payload);
  }
}
