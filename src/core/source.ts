import type { Observable } from 'rxjs';
import type * as z from 'zod';
import type { SourceDefinition } from './define.js';
import type { Item } from './item.js';
import { pull } from './pull.js';
import { defaultRuntime, type Runtime } from './runtime.js';

/**
 * The items of a source, as an Observable that reads only while there is room below.
 *
 * Each item that is emitted is counted as read. It ends early, without an error, when the runtime is stopping; `onEnd`
 * is told only when there is nothing more to read. The options are those that the schema has parsed.
 *
 * @example
 * import { fromSource, jsonlSource, toJsonl } from 'batchx';
 *
 * const options = jsonlSource.options.parse({ path: 'orders.jsonl' });
 * fromSource(jsonlSource, options).pipe(toJsonl('copy.jsonl')).subscribe();
 */
export function fromSource<S extends z.ZodObject>(
  definition: SourceDefinition<S>,
  options: z.output<S>,
  runtime: Runtime = defaultRuntime(),
  onEnd?: () => void,
): Observable<Item> {
  return pull((signal) => definition.open(options, runtime, signal), {
    stop: runtime.stopping,
    onEmit: (item) => {
      runtime.events.emit('batch:item:start', item);
    },
    onEnd,
  });
}
