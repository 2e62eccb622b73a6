import {
  Account,
  counted,
  createRuntime,
  type Item,
  mapConcurrent,
  mapItems,
  pull,
  type Runtime,
  split,
  toItems,
  toSink,
} from 'batchx';
import {
  concatMap,
  connect,
  delay,
  filter,
  from,
  groupBy,
  lastValueFrom,
  merge,
  map,
  mergeMap,
  NEVER,
  type Observable,
  type OperatorFunction,
  range,
  share,
  take,
  zipWith,
} from 'rxjs';
import { describe, expect, it } from 'vitest';

const stuck = (): Promise<never> => new Promise(() => undefined);
const stuckSink = toSink(() => ({ write: stuck, close: () => undefined }));

/** How many of 10,000 numbers are read when nothing of it gets through. */
async function readBy(operator: (numbers: Observable<number>) => Observable<unknown>): Promise<number> {
  let read = 0;
  const numbers = pull(function* () {
    while (read < 10_000) yield [read++];
  });
  const subscription = operator(numbers).subscribe();
  await new Promise((resolve) => setImmediate(resolve));
  const before = read;
  subscription.unsubscribe();
  return before;
}

describe('the numbers in docs/flow.md', () => {
  it.each<[string, number, (numbers: Observable<number>) => Observable<unknown>]>([
    ['mapConcurrent', 10 + 64, (numbers) => numbers.pipe(mapConcurrent(() => NEVER, 10))],
    ['mapConcurrent with many', 100 + 200, (numbers) => numbers.pipe(mapConcurrent(() => NEVER, 100))],
    ['mapItems', 4 + 64, (numbers) => numbers.pipe(toItems(), mapItems(stuck))],
    [
      'split, one of which is being split',
      1 + 64,
      (numbers) => numbers.pipe(toItems(), split(stuck as () => Promise<[]>)),
    ],
    ['a sink', 512, (numbers) => numbers.pipe(stuckSink)],
    ['counted', 64, (numbers) => numbers.pipe(counted(concatMap(() => NEVER)))],
  ])('%s: %i', async (_, expected, operator) => {
    expect(await readBy(operator)).toBe(expected);
  });
});

describe('what docs/flow.md says of `buffer`', () => {
  let emitted = 0;
  const pulled = pull(function* () {
    while (emitted < 1000) yield [emitted++];
  });
  const pushed = range(1, 1000).pipe(map((n) => (emitted = n)));

  it.each([
    ['holds back a source made by `pull`', pulled, 10],
    ['does not hold back one that pushes', pushed, 1000],
  ])('it %s', (_, second, expected) => {
    emitted = 0;
    from([NEVER, second])
      .pipe(mapConcurrent((inner) => inner, { ordered: true, buffer: 10 }))
      .subscribe()
      .unsubscribe();
    expect(emitted).toBe(expected);
  });
});

describe('what docs/flow.md says of RxJS operators', () => {
  it.each<[string, OperatorFunction<number, unknown>]>([
    ['mergeMap', mergeMap(() => NEVER, 4)],
    ['concatMap', concatMap(() => NEVER)],
    ['delay', delay(1000)],
    ['zip with a slow one', zipWith(NEVER)],
  ])('%s holds any number', async (_, operator) => {
    expect(await readBy((numbers) => numbers.pipe(operator))).toBe(10_000);
  });

  it('groupBy hides the rooms behind it', async () => {
    const groups = groupBy<number, number>((n) => n % 2);
    const operator = mergeMap((group: Observable<number>) => group.pipe(mapConcurrent(() => NEVER, 1)));
    expect(await readBy((numbers) => numbers.pipe(groups, operator))).toBe(10_000);
  });

  it('share is held back by its first branch only, and its items end once in each', async () => {
    const slow = mapConcurrent(() => NEVER, 4);
    const fast = take<unknown>(Infinity);
    const readBeside = async (first: OperatorFunction<number, unknown>, second: OperatorFunction<number, unknown>) => {
      let read = 0;
      const numbers = pull(async function* () {
        while (read < 10_000) yield Array.from({ length: 100 }, () => read++);
      }).pipe(share());
      const branches = [numbers.pipe(first).subscribe(), numbers.pipe(second).subscribe()];
      await new Promise((resolve) => setImmediate(resolve));
      const before = read;
      for (const branch of branches) branch.unsubscribe();
      return before;
    };
    expect(await readBeside(slow, fast)).toBe(100); // one block: 68 of it went out
    expect(await readBeside(fast, slow)).toBe(10_000);

    const runtime = createRuntime();
    const account = new Account(runtime.events);
    const items = pull(async function* () {
      yield [1, 2];
    }).pipe(toItems(runtime), share());
    await lastValueFrom(merge(items.pipe(sinkOn(runtime)), items.pipe(sinkOn(runtime))));
    expect(account.counts).toMatchObject({ read: 2, ok: 4 });
  });

  it('connect is held back by none of its branches, and items end once in each', async () => {
    const slow = mapConcurrent(() => NEVER, 4);
    expect(
      await readBy((numbers) => numbers.pipe(connect((shared) => merge(shared.pipe(slow), shared.pipe(slow))))),
    ).toBe(10_000);

    const runtime = createRuntime();
    const account = new Account(runtime.events);
    const sinks = connect((items: Observable<Item<number>>) =>
      merge(items.pipe(sinkOn(runtime)), items.pipe(sinkOn(runtime))),
    );
    await lastValueFrom(pull(() => [[1, 2]]).pipe(toItems(runtime), sinks));
    expect(account.counts).toMatchObject({ read: 2, ok: 4 });
  });

  it('filter leaves what it drops pending, take what was on its way', async () => {
    expect(await counts(filter(({ data }) => data !== 2))).toMatchObject({ read: 3, ok: 2, pending: 1 });
    expect(await counts(take(2))).toMatchObject({ read: 2, ok: 2, pending: 0 });
  });
});

async function counts(operator: OperatorFunction<Item<number>, Item<number>>) {
  const runtime = createRuntime();
  const account = new Account(runtime.events);
  await lastValueFrom(pull(() => [[1, 2, 3]]).pipe(toItems(runtime), operator, sinkOn(runtime)));
  return account.counts;
}

const sinkOn = (runtime: Runtime) => toSink(() => ({ write: () => undefined, close: () => undefined }), { runtime });
