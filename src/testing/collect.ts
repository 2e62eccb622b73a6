import { fail } from 'node:assert/strict';
import { type Observable, take } from 'rxjs';
import { turns } from './turns.js';

/** For how many turns of the event loop, a second or more, nothing may come. */
const PATIENCE = 1000;
/** What gives more than this is taken for endless. It is cut off at once, as it may leave the event loop no turn. */
const MOST = 100_000;

/** All values of an Observable that is expected to complete; rejects when it fails, stalls or does not end. */
export async function collect<T>(source: Observable<T>, expected: string): Promise<T[]> {
  const values: T[] = [];
  let ended: { readonly error?: unknown } | undefined;
  const subscription = source.pipe(take(MOST + 1)).subscribe({
    next: (value) => void values.push(value),
    error: (error: unknown) => (ended = { error }),
    complete: () => (ended = {}),
  });
  for (let idle = 0; ended === undefined && idle < PATIENCE; idle++) {
    const before = values.length;
    await turns(1);
    if (values.length > before) idle = 0;
  }
  subscription.unsubscribe();
  if (ended === undefined)
    fail(`expected ${expected}, but nothing came for ${PATIENCE} turns of the event loop, after ${values.length}`);
  if (values.length > MOST) fail(`expected ${expected}, but it gave more than ${MOST}`);
  if ('error' in ended) throw ended.error;
  return values;
}
