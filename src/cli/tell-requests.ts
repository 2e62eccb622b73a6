import type { Dispatcher } from 'undici';
import type { Runtime } from '../core/runtime.js';
import { say } from './terminal.js';

/** A runtime whose requests are told as they are made. */
export function telling(runtime: Runtime): Runtime {
  const made = new Map<Dispatcher, Dispatcher>();
  const tell = (dispatcher: Dispatcher): Dispatcher =>
    dispatcher.compose((dispatch) => (options, handler) => {
      say(`${options.method} ${String(options.origin ?? '')}${options.path}`);
      return dispatch(options, handler);
    });
  return {
    ...runtime,
    async dispatcher(guarded) {
      const dispatcher = await runtime.dispatcher(guarded);
      const known = made.get(dispatcher) ?? tell(dispatcher);
      made.set(dispatcher, known);
      return known;
    },
  };
}
