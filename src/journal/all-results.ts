import { concat, defer, from, ignoreElements, type OperatorFunction } from 'rxjs';
import { Outcome } from '../core/outcome.js';
import type { Runtime } from '../core/runtime.js';
import { STATE } from './item-table.js';
import type { Job } from './job.js';
import { itemOf } from './rebuild.js';

/**
 * Gives, once all is done, the results of all items of a job, whichever run has done them. What is not kept of them is
 * told with a warning.
 */
export const allResults =
  (job: Job, { events }: Runtime): OperatorFunction<Outcome, Outcome> =>
  (outcomes) =>
    concat(
      outcomes.pipe(ignoreElements()),
      defer(() => {
        const lost = (items: number): void => {
          const what = `what is made of all results is without ${items} of them, which are not kept`;
          events.emit('batch:warning', { message: `${what}; --fresh does all of it again` });
        };
        return from(resultsOf(job, lost));
      }),
    );

function* resultsOf({ table, results }: Job, lost: (items: number) => void): Generator<Outcome> {
  let missing = 0;
  for (let entry = 0; entry < table.size; entry++) {
    const place = table.place(entry);
    if (table.state(entry) !== STATE.ok || place === undefined) continue;
    const line = results.read(place);
    // Its result is that of its parts, or of the batch that it was in.
    if (line.y === 1 || line.b === 1) continue;
    const item = line.d === undefined && line.u === true ? undefined : itemOf(line);
    if (item === undefined) {
      missing++;
      continue;
    }
    const outcome = new Outcome(item, 'ok');
    outcome.settled = true;
    yield outcome;
  }
  if (missing > 0) lost(missing);
}
