import { Observable } from 'rxjs';
import type * as z from 'zod';
import type { SourceDefinition } from './define.js';
import type { Item } from './item.js';
import { pull } from './pull.js';
import type { Runtime } from './runtime.js';

/**
 * The items of a source, as an Observable that reads only while there is room below.
 *
 * Each item that is emitted is counted as read. It ends early, without an error, when the runtime is stopping.
 */
export function fromSource<S extends z.ZodObject>(
  definition: SourceDefinition<S>,
  options: z.output<S>,
  runtime: Runtime,
): Observable<Item> {
  return pull((signal) => definition.open(options, runtime, signal), {
    stop: runtime.stopping,
    onEmit: (item) => {
      runtime.events.emit('batch:item:start', item);
    },
  });
}
