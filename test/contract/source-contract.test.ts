import { concat, defer, from, map, NEVER, type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { csv, Item, json, jsonl, lines, literals, pull, type Runtime, toItems } from 'batchx';
import { fakeRuntime, sourceContract } from 'batchx/testing';
import { fixture } from './temp.js';

const rows = '{"n":1}\n\n{"n":2}\noops\n{"n":3}';
const table = 'n,text\n1,a\n2,"b\nb"\n3\n4,d\n';
const list = '[{"n":1},[2],3,null]';

const sources: readonly [string, () => (runtime: Runtime) => Observable<Item>][] = [
  ['jsonl', () => over(fixture(rows), (path, runtime) => jsonl(path, {}, runtime))],
  ['jsonl, packed', () => over(fixture(rows, 'in.jsonl.gz'), (path, runtime) => jsonl(path, {}, runtime))],
  ['lines', () => over(fixture('a\nb\n\nc\n'), (path, runtime) => lines(path, {}, runtime))],
  ['csv', () => over(fixture(table), (path, runtime) => csv(path, {}, runtime))],
  ['json', () => over(fixture(list), (path, runtime) => json(path, {}, runtime))],
  ['literals', () => (runtime) => literals(['a', 'b', { c: 1 }], runtime)],
];

const over =
  (path: string, open: (path: string, runtime: Runtime) => Observable<Item>) =>
  (runtime: Runtime): Observable<Item> =>
    open(path, runtime);

describe('every source keeps the contract', () => {
  it.each(sources)('%s', async (_name, make) => {
    await sourceContract(make());
  });

  it('one made of `pull` and `toItems`', async () => {
    const pages = async function* () {
      yield [1, 2];
      yield [3];
    };
    await sourceContract((runtime) => pull(pages).pipe(toItems(runtime)));
  });

  it.each([
    ['jsonl', rows, (runtime: Runtime) => jsonl('-', {}, runtime)],
    ['csv', table, (runtime: Runtime) => csv('-', {}, runtime)],
    ['json', list, (runtime: Runtime) => json('-', {}, runtime)],
  ])('%s from standard input', async (_name, text, source) => {
    await sourceContract(source, () => fakeRuntime({ stdin: [text.slice(0, 9), text.slice(9)] }));
  });
});

describe('the contract of sources finds', () => {
  const started = (item: Item, { events }: Runtime): Item => {
    events.emit('batch:item:start', item);
    return item;
  };

  it('ids that are not unique', async () => {
    const broken = (runtime: Runtime) =>
      literals([1, 2, 3], runtime).pipe(map((item) => item.withExtra({ id: 'same' })));
    await expect(sourceContract(broken)).rejects.toThrow('expected ids that are unique');
  });

  it('ids that change', async () => {
    let run = 0;
    const broken = (runtime: Runtime) =>
      defer(() => {
        run++;
        return literals([1, 2, 3], runtime).pipe(map((item) => item.withExtra({ id: `${run}-${item.id}` })));
      });
    await expect(sourceContract(broken)).rejects.toThrow('expected the same ids');
  });

  it('items that are not counted', async () => {
    const broken = () => of(1, 2, 3).pipe(map((n, seq) => Item.of(n, { seq })));
    await expect(sourceContract(broken)).rejects.toThrow('counted as read');
  });

  it('a source that pushes', async () => {
    const broken = (runtime: Runtime) =>
      from([1, 2, 3, 4]).pipe(map((n, seq) => started(Item.of(n, { seq }), runtime)));
    await expect(sourceContract(broken)).rejects.toThrow('no item while the room below is full');
  });

  it('a source that stalls', async () => {
    const never = new Promise<never>(() => undefined);
    let run = 0;
    const broken = (runtime: Runtime) =>
      ++run < 3 ? literals([1, 2, 3], runtime) : concat(literals([1], runtime), from(never));
    await expect(sourceContract(broken)).rejects.toThrow('did not come although there was room');
  });

  it('a source that never completes', async () => {
    const broken = (runtime: Runtime) => concat(literals([1, 2, 3], runtime), NEVER);
    await expect(sourceContract(broken)).rejects.toThrow(
      'expected a source that completes, but nothing came for 1000 turns of the event loop, after 3',
    );
  });

  it('a source that is endless', async () => {
    const endless = async function* () {
      for (;;) yield Array.from({ length: 1000 }, (_, n) => n);
    };
    const broken = (runtime: Runtime) => pull(endless).pipe(toItems(runtime));
    await expect(sourceContract(broken)).rejects.toThrow('expected a source that completes, but it gave more than');
  });

  it('a source that goes on when the run is stopping', async () => {
    const broken = (runtime: Runtime) => (runtime.stopping.aborted ? NEVER : literals([1, 2, 3], runtime));
    await expect(sourceContract(broken)).rejects.toThrow(
      'expected a source that completes when the run is stopping, but nothing came',
    );
  });

  it('a file that is left open', async () => {
    const { openSync, closeSync } = await import('node:fs');
    const path = fixture(rows);
    const open: number[] = [];
    const broken = (runtime: Runtime) =>
      defer(() => {
        open.push(openSync(path, 'r'));
        return jsonl(path, {}, runtime);
      });
    await expect(sourceContract(broken)).rejects.toThrow('expected all files to be closed');
    open.forEach((fd) => closeSync(fd));
  });
});
