import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestSource } from '../../src/sources/manifest.js';
import { manifest } from '../../src/sources/manifest.js';
import { fakeRuntime } from '../../src/testing.js';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'batchx-manifest-'))));
afterAll(() => rmSync(folder, { recursive: true }));

async function read(name: string, text: string) {
  const path = join(folder, name);
  writeFileSync(path, text);
  const items = await lastValueFrom(manifest(path, fakeRuntime()).pipe(toArray()));
  return items.map(({ id, data, extra: { metadata }, error }) =>
    error === undefined ? { id: id.replace(path, 'M'), data, metadata } : error.message,
  );
}

describe('manifest', () => {
  it.each([
    ['list.yaml', '- { id: a, data: { n: 1 }, metadata: { who: x } }\n- data: text\n'],
    ['under.yml', 'pipeline: p.yaml\nitems:\n  - { id: a, data: { n: 1 }, metadata: { who: x } }\n  - data: text\n'],
    ['list.json', '[{"id":"a","data":{"n":1},"metadata":{"who":"x"}},{"data":"text"}]'],
    ['lines.jsonl', '{"id":"a","data":{"n":1},"metadata":{"who":"x"}}\n\n{"data":"text"}\n'],
  ])('reads %s', async (name, text) => {
    expect(await read(name, text)).toEqual([
      { id: 'a', data: { n: 1 }, metadata: { who: 'x' } },
      { id: 'M#2', data: 'text', metadata: undefined },
    ]);
  });

  it('fails entries that are something else, and goes on', async () => {
    const text = '- 5\n- { id: a }\n- { id: b, data: 1, priority: 3 }\n- { data: 1, dat: 2 }\n- { id: 7, data: ok }\n';
    expect(await read('bad.yaml', text)).toEqual([
      expect.stringContaining('expected { id, data, metadata }'),
      expect.stringContaining('`data` is missing'),
      '`priority` is not done by this version yet',
      expect.stringContaining('dat'),
      { id: '7', data: 'ok', metadata: undefined },
    ]);
  });

  it('says of them what is wrong in words of its own', async () => {
    const text =
      '- 5\n- { id: "", data: 1 }\n- { id: [], data: 1 }\n- { data: 1, metadata: 7 }\n- { data: 1, dat: 2 }\n';
    expect(await read('words.yaml', text)).toEqual([
      'expected { id, data, metadata }: got 5 (number)',
      'expected { id, data, metadata }: `id`: expected text or a number, got ""',
      'expected { id, data, metadata }: `id`: expected text or a number, got an array',
      'expected { id, data, metadata }: `metadata`: expected keys with values, got 7 (number)',
      'expected { id, data, metadata }: `dat` is not known',
    ]);
  });

  it.each([
    ['deep.yaml', `${'['.repeat(20_000)}${']'.repeat(20_000)}`, 'it has too many levels, one in the other'],
    ['none.yaml', 'a: 1', 'expected a list of items, or one under `items`'],
    ['broken.json', '[{]', 'broken.json: '],
    ['broken.jsonl', '{"data":1}\n{', 'broken.jsonl:2: not JSON'],
  ])('ends in an error for %s', async (name, text, says) => {
    await expect(read(name, text)).rejects.toThrow(says);
  });

  it('ends in an error where there is no such file', async () => {
    const items = manifest(join(folder, 'no.yaml'), fakeRuntime());
    await expect(lastValueFrom(items)).rejects.toMatchObject({ code: 'input' });
    expect(manifestSource.files?.({ path: 'a' })).toEqual(['a']);
  });
});
