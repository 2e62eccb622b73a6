import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { filterItems, type Item, lines, toJsonl } from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { fixture } from '../contract/temp.js';

const read = (stdin: Iterable<string | Uint8Array>): Promise<Item[]> =>
  lastValueFrom(lines('-', {}, fakeRuntime({ stdin })).pipe(toArray()));

describe('lines', () => {
  it('emits the text of each line, and passes over empty ones', async () => {
    const items = await read(['\ufeffone\r\n\r\n  \n\n{"a":1}\nlä', 'st']);
    expect(items.map(({ data }) => data)).toEqual(['one', '  ', '{"a":1}', 'läst']);
    expect(items.map(({ id }) => id)).toEqual(['stdin:1', 'stdin:3', 'stdin:5', 'stdin:6']);
    expect(items.map(({ metadata }) => metadata['offset'])).toEqual([3, 10, 14, 22]);
  });

  it('has no row of JSON, so that its text is written as JSON', async () => {
    const runtime = fakeRuntime({ stdin: ['a "b"\n'] });
    const [outcome] = await lastValueFrom(
      lines('-', {}, runtime).pipe(
        filterItems(() => true),
        toJsonl('-', runtime),
        toArray(),
      ),
    );
    expect(outcome?.item.raw).toBeUndefined();
    expect(runtime.stdout).toBe('"a \\"b\\""\n');
  });

  it('fails a line that is not UTF-8 or too long, and reads on', async () => {
    const long = Array.from({ length: 260 }, () => 'x'.repeat(64 * 1024));
    const items = await read(['a\n', Buffer.from([0xff, 0x0a]), ...long, '\nb\n']);
    expect(items.map(({ data, error }) => error?.message ?? data)).toEqual([
      'a',
      'not UTF-8 text, from byte 1 of the record on',
      'longer than 16 MiB, which is the most a record may have',
      'b',
    ]);
    expect(items[1]?.extra.bytes).toEqual(Buffer.from([0xff]));
  });

  it('reads several files, also packed ones', async () => {
    const paths = [fixture('a\n', 'a.txt'), fixture('b\nc', 'b.txt.gz')];
    const items = await lastValueFrom(lines(paths, {}, fakeRuntime()).pipe(toArray()));
    expect(items.map(({ id }) => id)).toEqual([`${paths[0]}:1`, `${paths[1]}:1`, `${paths[1]}:2`]);
  });

  it('refuses options, as it has none', () => {
    expect(() => lines('-', { id: 1 } as never)).toThrow(/lines: .*id/);
  });
});
