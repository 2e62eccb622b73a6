import { describe, expect, it } from 'vitest';
import { BatchxError, type ErrorCode } from '../../src/core/errors.js';
import { Events } from '../../src/core/events.js';
import { Item } from '../../src/core/item.js';
import { Outcome } from '../../src/core/outcome.js';
import { Causes } from '../../src/report/causes.js';

/** The causes of items that failed so. */
function causesOf(failures: readonly (readonly [ErrorCode, string, unknown?])[], most?: number): Causes {
  const events = new Events();
  const causes = new Causes(events, most);
  for (const [n, [code, message, data]] of failures.entries()) {
    const item = Item.of(data, { seq: n, id: `item-${n}` }).fail(new BatchxError(code, message));
    events.emit('batch:item:end', Outcome.of(item));
  }
  return causes;
}

const groups = (...messages: string[]): [number, string][] =>
  causesOf(messages.map((message) => ['expression', message])).list.map(({ count, pattern }) => [count, pattern]);

describe('Causes', () => {
  it.each<[string, string[], string]>([
    ['numbers', ['got 12', 'got -3.5e10'], 'got …'],
    [
      'addresses that did not answer',
      ['fetch failed: connect ECONNREFUSED 127.0.0.1:9', 'fetch failed: connect ECONNREFUSED 10.0.0.7:8080'],
      'fetch failed: connect ECONNREFUSED …',
    ],
    ['quoted text', ['no "a" here', 'no "b \\" c" here', "no 'd' here"], 'no … here'],
    [
      'paths',
      ['cannot read /tmp/c.txt: gone', 'cannot read ../d.txt: gone', 'cannot read e/f: gone'],
      'cannot read …: gone',
    ],
    ['addresses', ['GET https://a.example/x?y=1 failed', 'GET http://b.example/ failed'], 'GET … failed'],
    ['ids', ['job 3f2a9c1e is gone', 'job 550e8400-e29b-41d4-a716-446655440000 is gone'], 'job … is gone'],
    ['times', ['late since 2024-01-02T03:04:05Z', 'late since 1999-12-31 23:59'], 'late since …'],
    ['lines', ['at rows.jsonl:12:3', 'at rows.jsonl:7:19'], 'at rows.jsonl:…'],
    [
      'what a parser has found',
      [
        'not JSON: Unexpected token \'o\', "not json" is not valid JSON',
        'not JSON: Unexpected token \'"\', ""a"b"" is not valid JSON',
        'not JSON: Unexpected token \'}\', ..."{"a":1}}"... is not valid JSON',
      ],
      'not JSON: Unexpected token … is not valid JSON',
    ],
  ])('takes for one what differs in %s', (_, messages, pattern) => {
    expect(groups(...messages)).toEqual([[messages.length, pattern]]);
  });

  it('takes for two what differs otherwise', () => {
    expect(
      groups(
        "TypeError: Cannot read properties of undefined (reading 'a')",
        "TypeError: Cannot read properties of undefined (reading 'b')",
        "it doesn't fit, and can't",
        'HTTP 404',
        'HTTP 500',
        '`sku`: expected text',
        '`price`: expected text',
      ),
    ).toHaveLength(7);
    expect(causesOf([['exec', 'no'], ['http', 'no']]).list).toHaveLength(2); // prettier-ignore
  });

  it('takes an exit code for the cause, whatever the command said', () => {
    const failures = Array.from({ length: 900 }, (_, n) => {
      const said = ['No such filter', 'ran out of memory', `at frame ${n}\nand more`][n % 3] ?? '';
      return ['exec', `ffmpeg: exit code ${n < 890 ? 3 : 4}: ${said}`] as const;
    });
    expect(causesOf(failures).list).toEqual([
      {
        code: 'exec',
        pattern: 'ffmpeg: exit code 3',
        count: 890,
        where: 'item-0',
        message: 'ffmpeg: exit code 3: No such filter',
        retried: false,
      },
      expect.objectContaining({ count: 10, pattern: 'ffmpeg: exit code 4', where: 'item-890' }),
    ]);
  });

  it('takes the signal that ended a command for the cause', () => {
    const said = ['Killed', 'out of memory', ''].map((text) => ['exec', `ended by SIGKILL: ${text}`] as const);
    expect(causesOf(said).list).toMatchObject([{ count: 3, pattern: 'ended by SIGKILL' }]);
  });

  it('takes no notice of what an item is called or is', () => {
    const failures = ['apple', 'banana'].map(
      (name, n) => ['expression', `item-${n} and ${name} failed`, name] as const,
    );
    expect(causesOf(failures).list).toMatchObject([{ count: 2, message: 'item-0 and apple failed' }]);
  });

  it('gives the most frequent one first, and of the same the first that came', () => {
    expect(groups('a', 'b', 'c', 'c', 'b', 'd')).toEqual([
      [2, 'b'],
      [2, 'c'],
      [1, 'a'],
      [1, 'd'],
    ]);
  });

  it('keeps a hundred, and counts the rest', () => {
    const words = Array.from({ length: 26 * 26 }, (_, n) =>
      String.fromCharCode(97 + (n % 26), 97 + Math.floor(n / 26)),
    );
    const causes = causesOf([...words, ...words].map((word) => ['expression', `no ${word}`]));
    expect([causes.total, causes.others, causes.list.length]).toEqual([2 * 676, 2 * 576, 100]);
    expect(causes.list.every(({ count }) => count === 2)).toBe(true);
    expect(causesOf([['bug', 'a'], ['bug', 'b']], 1).others).toBe(1); // prettier-ignore
  });

  it('keeps little of a long message', () => {
    const [cause] = causesOf([['exec', 'x'.repeat(1e6)]]).list;
    expect([cause?.message.length, cause?.pattern.length]).toEqual([2000, 300]);
  });

  it('is quick with messages that are made to hold it up', () => {
    const long = [
      '/'.repeat(300),
      'a.'.repeat(150),
      '"'.repeat(299),
      "'".repeat(299),
      '1-'.repeat(150),
      '…'.repeat(300),
    ];
    const begun = performance.now();
    for (const text of long) groups(...Array.from({ length: 20 }, (_, n) => `${n}${text}`));
    expect(performance.now() - begun).toBeLessThan(500);
  });

  it('counts what is in doubt, and nothing that is ok or skipped', () => {
    const events = new Events();
    const causes = new Causes(events);
    const item = Item.of(1);
    const doubt = item.fail(new BatchxError('http', 'sent', { inDoubt: true }));
    for (const each of [item, item.skip('filtered'), doubt]) events.emit('batch:item:end', Outcome.of(each));
    expect(causes).toMatchObject({ total: 1, list: [{ code: 'http', count: 1 }] });
  });

  it('names where it happened as the error says', () => {
    const events = new Events();
    const causes = new Causes(events);
    const item = Item.of(1, { id: 'a' }).fail(new BatchxError('parse', 'no', { where: 'a.csv:7' }));
    events.emit('batch:item:end', Outcome.of(item));
    expect(causes.list).toMatchObject([{ where: 'a.csv:7' }]);
  });

  it('tells what was tried again', () => {
    const events = new Events();
    const causes = new Causes(events);
    const error = new BatchxError('timeout', 'took longer than 10s');
    const item = Item.of(1, { id: 'a' });
    events.emit('batch:attempt', { item, attempt: 1, error, waitMs: 500 });
    events.emit('batch:item:end', Outcome.of(item.fail(error)));
    events.emit('batch:item:end', Outcome.of(item.fail(new BatchxError('exec', 'no'))));
    expect(causes.list.map(({ code, retried }) => [code, retried])).toEqual([
      ['timeout', true],
      ['exec', false],
    ]);
  });
});
