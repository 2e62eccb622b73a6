import type { Events } from '../events.js';
import type { Runtime } from '../runtime.js';
import { Limiter } from './limiter.js';

/** A pause is all that it is for: so many at once come never. */
const UNLIMITED = { limit: 1e9, per: '1ms', burst: 1e9 };

/** By the events of a run, as parts of its runtime may be replaced on the way. */
const known = new WeakMap<Events, Limiter>();

/**
 * What is paused when a server asks to be left alone: one for all calls of a run, whatever step they are of, with a lane for
 * each server.
 */
export function serverPauses(runtime: Runtime): Limiter {
  const pauses = known.get(runtime.events) ?? new Limiter(UNLIMITED, runtime);
  known.set(runtime.events, pauses);
  return pauses;
}
