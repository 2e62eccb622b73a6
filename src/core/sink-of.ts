import type { OperatorFunction } from 'rxjs';
import type * as z from 'zod';
import type { SinkDefinition } from './define.js';
import type { OutcomeOf } from './outcome.js';
import { defaultRuntime, type Runtime } from './runtime.js';
import { toSink } from './sink.js';

/**
 * The operator of a defined sink. The options are those that the schema has parsed.
 *
 * @example
 * import { jsonlSink, literals, sinkOf } from 'batchx';
 *
 * literals(['a', 'b']).pipe(sinkOf(jsonlSink, { path: 'letters.jsonl' })).subscribe();
 */
export function sinkOf<S extends z.ZodObject, T>(
  definition: SinkDefinition<S>,
  options: z.output<S>,
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<T, OutcomeOf<T>> {
  return toSink<T>(() => definition.open(options, runtime), { takes: definition.takes, runtime });
}
