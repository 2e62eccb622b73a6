import { describe, expect, it } from 'vitest';
import { Account } from '../../src/core/account.js';
import { BatchxError } from '../../src/core/errors.js';
import { Events } from '../../src/core/events.js';
import { Item, type Place, weightOf } from '../../src/core/item.js';
import { BatchOrigin, detached, settle, SplitOrigin } from '../../src/core/origin.js';
import { Outcome } from '../../src/core/outcome.js';

const error = new BatchxError('parse', 'bad');
const named = (id: string, extra = {}): Item => Item.of(id, { id, ...extra });

describe('Item', () => {
  it('is called what it is given, or by its place, or by its number', () => {
    const place: Place = { source: 'in.jsonl', locate: (at) => ({ line: at / 10, offset: at }) };
    const whole: Place = { source: 'photo.png', locate: () => ({}) };
    expect(named('a').id).toBe('a');
    expect(new Item(6, 0, undefined, place, 70).id).toBe('in.jsonl:7');
    expect(new Item(6, 0, undefined, whole, 0).id).toBe('photo.png');
    expect(Item.of(0, { seq: 6 }).id).toBe('#7');
  });

  it('says where it came from, and what its source said of it', () => {
    const place: Place = { source: 'in.jsonl', locate: (at) => ({ line: 7, offset: at }) };
    const item = new Item(6, 0, undefined, place, 70, { metadata: { sheet: 'b' } });
    expect(item.metadata).toEqual({ source: 'in.jsonl', line: 7, offset: 70, sheet: 'b' });
    expect([item.where, Item.of(0).where]).toEqual(['in.jsonl:7', undefined]);
  });

  it('never changes: each change gives another one', () => {
    const item = Object.freeze(new Item(0, 1, '1', undefined, 0, { id: 'a', weight: 3 }));
    const changed = item.withData(2);
    expect([item.data, item.raw, changed.data, changed.raw, changed.id, changed.weight]).toEqual([
      1,
      '1',
      2,
      undefined,
      'a',
      3,
    ]);
    expect([item.fail(error).live, item.skip('filtered').live, item.live]).toEqual([false, false, true]);
    expect(item.fail(error).raw).toBe('1');
    expect(item.fail(error).skip('filtered')).toMatchObject({ error: undefined, skipped: 'filtered' });
    expect(item.skip('filtered').fail(error)).toMatchObject({ error, skipped: undefined });
    expect(item.withExtra({ id: 'b' })).toMatchObject({ id: 'b', weight: 3, raw: '1' });
  });

  it('weighs 1 unless said, as anything else does', () => {
    expect([named('a'), named('a', { weight: 7 }), 5, undefined, null].map(weightOf)).toEqual([1, 7, 1, 1, 1]);
  });
});

describe('weightOf', () => {
  const row = (length: number): Item => new Item<unknown>(0, { some: 'data' }, 'x'.repeat(length), undefined, 0);

  it('is 1 for a row, and one more for each 64 KB of it', () => {
    expect([0, 276, 65_535, 65_536, 4_000_000].map((length) => weightOf(row(length)))).toEqual([1, 1, 1, 2, 62]);
  });

  it('is the same when a step has made something else of the row', () => {
    expect(weightOf(row(200_000).withData(1).withData('short'))).toBe(weightOf(row(200_000)));
  });

  it('counts text, what an item stands for, and 1 for anything else', () => {
    expect(weightOf(Item.of('x'.repeat(70_000)))).toBe(2);
    expect(weightOf(Item.of([1, 2, 3], { weight: 3 }))).toBe(3);
    expect(weightOf('x'.repeat(70_000))).toBe(1);
  });
});

describe('Outcome', () => {
  it('is what an item ends as when nothing more happens to it', () => {
    const item = named('a');
    expect([item, item.fail(error), item.skip('duplicate')].map((each) => Outcome.of(each))).toMatchObject([
      { id: 'a', status: 'ok', error: undefined, reason: undefined },
      { id: 'a', status: 'failed', error },
      { id: 'a', status: 'skipped', reason: 'duplicate' },
    ]);
  });
});

describe('settle', () => {
  const settling = () => {
    const settled: string[] = [];
    const report = ({ id, status }: Outcome) => settled.push(`${id} ${status}`);
    return { settled, done: (item: Item) => settle(Outcome.of(item), report) };
  };

  it('reports an item that was not made from others', () => {
    const { settled, done } = settling();
    done(named('a'));
    expect(settled).toEqual(['a ok']);
  });

  it('settles what was split with the last of its parts, as the worst of them', () => {
    const cases: [string[], string][] = [
      [['ok', 'ok'], 'a ok'],
      [['failed', 'ok'], 'a failed'],
      [['ok', 'skipped'], 'a ok'],
      [['skipped', 'skipped'], 'a skipped'],
      [['skipped', 'failed', 'ok'], 'a failed'],
    ];
    for (const [parts, end] of cases) {
      const { settled, done } = settling();
      const origin = new SplitOrigin(named('a'));
      for (const part of parts) {
        origin.add();
        const item = named('part', { origin });
        done(part === 'ok' ? item : part === 'failed' ? item.fail(error) : item.skip('duplicate'));
        expect(settled).toEqual([]);
      }
      origin.close();
      expect(settled).toEqual([end]);
    }
  });

  it('settles what was split when it is known that no part will come, and they end after that', () => {
    const { settled, done } = settling();
    const origin = new SplitOrigin(named('a'));
    origin.add();
    origin.close();
    expect(settled).toEqual([]);
    done(named('part', { origin }).fail(error));
    expect(settled).toEqual(['a failed']);
  });

  it('settles all that a batch was made of, as it ends', () => {
    const { settled, done } = settling();
    const origin = new BatchOrigin([named('a'), named('b')]);
    done(named('batch', { origin }).fail(error));
    expect(settled).toEqual(['a failed', 'b failed']);
  });

  it('goes up through splits of batches of splits', () => {
    const { settled, done } = settling();
    const [first, second] = [new SplitOrigin(named('a')), new SplitOrigin(named('b'))];
    const parts = [first, first, second].map((origin) => {
      origin.add();
      return named('part', { origin });
    });
    first.close();
    second.close();
    const batches = [parts.slice(0, 2), parts.slice(2)].map((of) => named('batch', { origin: new BatchOrigin(of) }));
    const again = new SplitOrigin(batches[0] as Item);
    again.add();
    again.add();
    again.close();
    done(named('deep', { origin: again }));
    expect(settled).toEqual([]);
    done(batches[1] as Item);
    expect(settled).toEqual(['b ok']);
    done(named('deep', { origin: again }).skip('duplicate'));
    expect(settled).toEqual(['b ok', 'a ok']);
  });

  it('does not report copies that go a way of their own', () => {
    const { settled, done } = settling();
    done(named('a', { origin: detached }));
    expect(settled).toEqual([]);
  });
});

describe('Events', () => {
  it('tells listeners at once, in the order in which they came', () => {
    const events = new Events();
    const told: string[] = [];
    events.on('batch:warning', ({ message }) => told.push(`1 ${message}`));
    events.on('batch:warning', ({ message }) => told.push(`2 ${message}`));
    events.emit('batch:warning', { message: 'mind' });
    expect(told).toEqual(['1 mind', '2 mind']);
  });

  it('tells those of one kind only, and none that has ended', () => {
    const events = new Events();
    const told: string[] = [];
    events.on('batch:start', () => told.push('start'));
    const off = events.on('batch:warning', () => told.push('warning'));
    off();
    off();
    events.emit('batch:warning', { message: '' });
    events.emit('batch:start', { name: '' });
    expect(told).toEqual(['start']);
  });

  it('leaves none out when one ends while an event is told, and tells new ones of the next event only', () => {
    const events = new Events();
    const told: string[] = [];
    const off = events.on('batch:warning', () => {
      told.push('once');
      off();
      events.on('batch:warning', () => told.push('new'));
    });
    events.on('batch:warning', () => told.push('always'));
    events.emit('batch:warning', { message: '' });
    expect(told).toEqual(['once', 'always']);
    events.emit('batch:warning', { message: '' });
    expect(told).toEqual(['once', 'always', 'always', 'new']);
  });

  it('ends the one it was asked to end, also where a listener was given twice', () => {
    const events = new Events();
    let told = 0;
    const listener = () => told++;
    const off = events.on('batch:start', listener);
    events.on('batch:start', listener);
    off();
    events.emit('batch:start', { name: '' });
    expect(told).toBe(1);
  });
});

describe('Account', () => {
  it('counts what was read and what became of it; the rest is pending', () => {
    const events = new Events();
    const account = new Account(events);
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((id) => named(id)) as [Item, Item, Item, Item, Item];
    for (const item of [a, b, c, d, e]) events.emit('batch:item:start', item);
    expect(account.counts).toEqual({ read: 5, ok: 0, failed: 0, skipped: 0, inDoubt: 0, pending: 5 });
    for (const item of [a, b.fail(error), c.skip('filtered')]) events.emit('batch:item:end', Outcome.of(item));
    events.emit('batch:item:end', new Outcome(d, 'in-doubt'));
    expect(account.counts).toEqual({ read: 5, ok: 1, failed: 1, skipped: 1, inDoubt: 1, pending: 1 });
  });
});
