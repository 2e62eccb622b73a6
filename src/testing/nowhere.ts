import type { OperatorFunction } from 'rxjs';
import type { Outcome } from '../core/outcome.js';
import type { Runtime } from '../core/runtime.js';
import { toSink } from '../core/sink.js';

/** A sink that writes nothing: it settles what arrives. */
export const nowhere = (runtime: Runtime): OperatorFunction<unknown, Outcome> =>
  toSink(() => ({ write: () => undefined, close: () => undefined }), { takes: 'ok', runtime });
