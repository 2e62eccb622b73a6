import { deepStrictEqual, fail, ok, strictEqual } from 'node:assert/strict';
import { inspect } from 'node:util';
import { concat, EMPTY, type Observable, type OperatorFunction, take, tap, throwError } from 'rxjs';
import { BatchxError } from '../core/errors.js';
import { Item } from '../core/item.js';
import type { Outcome } from '../core/outcome.js';
import { pull } from '../core/pull.js';
import type { Runtime } from '../core/runtime.js';
import { collect } from './collect.js';
import { type FakeRuntime, fakeRuntime } from './fake-runtime.js';
import { nowhere } from './nowhere.js';
import { closesFiles, openFiles } from './open-files.js';

export interface SinkContractOptions {
  /** The data of the n-th item; `{ n }` unless said. */
  readonly data?: (n: number) => unknown;
  readonly makeRuntime?: () => FakeRuntime;
}

/**
 * Checks what every sink that emits outcomes has to keep, and rejects with what is wrong.
 *
 * Each item has one outcome, in order, and is settled once, also with another sink below; failed and skipped items stay
 * so; what came before an error of the source has its outcome; reading stops while many items wait; and a sink that is
 * left closes its files. `sink` is called for each run.
 *
 * @example
 * import { toJsonl } from 'batchx';
 * import { sinkContract } from 'batchx/testing';
 *
 * await sinkContract((runtime) => toJsonl('-', runtime));
 */
export async function sinkContract(
  sink: (runtime: Runtime) => OperatorFunction<Item, Outcome>,
  { data = (n) => ({ n }), makeRuntime = fakeRuntime }: SinkContractOptions = {},
): Promise<void> {
  const items = Array.from({ length: 6 }, (_, n) => Item.of(data(n), { seq: n }));
  const failed = new BatchxError('validation', 'expected to fail');
  items[1] = (items[1] as Item).fail(failed);
  items[4] = (items[4] as Item).skip('filtered');
  const expected = ['#1 ok', '#2 failed', '#3 ok', '#4 ok', '#5 skipped', '#6 ok'];
  const counts = { read: 6, ok: 4, failed: 1, skipped: 1, inDoubt: 0, pending: 0 };
  const run = (runtime: FakeRuntime, end: Observable<Item> = EMPTY): Observable<Outcome> =>
    concat(given(items, runtime), end).pipe(sink(runtime));
  const said = ({ id, status }: Outcome): string => `${id} ${status}`;

  const runtime = makeRuntime();
  const outcomes = await collect(run(runtime), 'a sink that completes');
  deepStrictEqual(
    outcomes.map(({ id }) => id),
    items.map(({ id }) => id),
    'expected an outcome for each item, in their order',
  );
  outcomes.filter(({ error }) => error !== undefined && error !== failed).forEach(refused);
  deepStrictEqual(outcomes.map(said), expected, 'expected failed and skipped items to stay so');
  deepStrictEqual(runtime.counts, counts, 'expected each item to be settled once');

  const above = makeRuntime();
  await collect(run(above).pipe(nowhere(above)), 'a sink that completes with another one below it');
  deepStrictEqual(above.counts, counts, 'expected each item to be settled once, by the last sink');

  const none = await collect(given([], runtime).pipe(sink(makeRuntime())), 'a sink that completes without items');
  deepStrictEqual(none, [], 'expected no outcomes without items');

  const seen: string[] = [];
  const failure = new Error('the source failed');
  const failing = run(
    makeRuntime(),
    throwError(() => failure),
  ).pipe(tap((outcome) => seen.push(said(outcome))));
  const thrown = await collect(failing, 'the error of the source').catch((error: unknown) => error);
  strictEqual(thrown, failure, 'expected the error of the source');
  deepStrictEqual(seen, expected, 'expected the outcomes of what came before the error');

  await holdsLittle(sink, data, makeRuntime());
  const before = await openFiles();
  await collect(run(makeRuntime()).pipe(take(1)), 'a first outcome');
  await closesFiles(before);
}

/** What the sink has refused of what it was given. */
function refused({ id, item, error }: Outcome): void {
  fail(
    `expected the sink to write each item that is ok, but it refused ${id}, ${inspect(item.data)}: ` +
      `${error?.message}; \`data\` may give items that it can write`,
  );
}

/** Far more than rooms hold, of which only the number that is under way is kept. */
async function holdsLittle(
  sink: (runtime: Runtime) => OperatorFunction<Item, Outcome>,
  data: (n: number) => unknown,
  runtime: FakeRuntime,
): Promise<void> {
  let [emitted, settled, most] = [0, 0, 0];
  const many = pull(function* () {
    for (let n = 0; n < 8192; n++) yield [Item.of(data(n), { seq: n })];
  });
  const counted = many.pipe(tap(() => (most = Math.max(most, ++emitted - settled))));
  const outcomes = counted.pipe(
    sink(runtime),
    tap(() => settled++),
  );
  await collect(outcomes, 'an outcome for each of many items');
  deepStrictEqual([emitted, settled], [8192, 8192]);
  ok(most <= 2048, `expected a sink to let a bounded number of items wait, ${most} of 8192 did`);
}

const given = (items: readonly Item[], { events }: Runtime): Observable<Item> =>
  pull(() => [items], { onEmit: (item) => events.emit('batch:item:start', item) });
