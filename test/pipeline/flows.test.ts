import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runPipeline } from '../../src/run-pipeline.js';
import { fakeRuntime } from '../../src/testing.js';

const folder = mkdtempSync(join(tmpdir(), 'batchx-flows-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A step whose result stands beside the data, as that of a request would. */
const asks = (output?: string) => ({ use: './step.mjs', ...(output !== undefined && { output }) });
writeFileSync(join(folder, 'step.mjs'), 'export default ({ u }) => ({ city: `city of ${u}` });');
writeFileSync(join(folder, 'text.txt'), 'one\ntwo');

async function run(items: readonly unknown[] | object, steps: readonly unknown[]) {
  const output = join(folder, 'out.jsonl');
  const input = Array.isArray(items) ? { items } : items;
  const path = join(folder, 'pipeline.json');
  writeFileSync(path, JSON.stringify({ input, steps, output: [{ jsonl: output }] }));
  const { counts, error } = await runPipeline(path, {}, fakeRuntime());
  expect(error).toBeUndefined();
  const lines = readFileSync(output, 'utf8').split('\n').slice(0, -1);
  return { counts, rows: lines.map((line) => JSON.parse(line) as unknown) };
}

describe('behind a step whose result stands beside the data', () => {
  const items = [
    { u: 'a', lines: [1, 2] },
    { u: 'b', lines: [] },
    { u: 'a', lines: [] },
  ];

  it('dedupe sees the data and the outputs, and lets both go on', async () => {
    const map = { map: '({ u: data.u, city: answer.city })' };
    const { rows, counts } = await run(items, [asks('answer'), { dedupe: { by: 'data.u + answer.city' } }, map]);
    expect(rows).toEqual([
      { u: 'a', city: 'city of a' },
      { u: 'b', city: 'city of b' },
    ]);
    expect(counts).toMatchObject({ ok: 2, skipped: 1 });
  });

  it('dedupe without a key goes by the data, and the result is written', async () => {
    const { rows } = await run([{ u: 'a' }, { u: 'a' }], [asks('answer'), { dedupe: {} }]);
    expect(rows).toEqual([{ city: 'city of a' }]);
  });

  it('split sees both, and its parts are the new data', async () => {
    const split = { split: 'data.lines.map((n) => ({ n, of: answer.city }))' };
    const { rows } = await run(items.slice(0, 1), [asks('answer'), split]);
    expect(rows).toEqual([
      { n: 1, of: 'city of a' },
      { n: 2, of: 'city of a' },
    ]);
    const map = { map: '[data, answer.city]' };
    expect((await run(items.slice(0, 1), [asks('answer'), { split: 'data.lines' }, map])).rows).toEqual([
      [1, 'city of a'],
      [2, 'city of a'],
    ]);
  });

  it('batch gathers the results, by what data and outputs say', async () => {
    const { rows } = await run(items, [asks('answer'), { batch: { size: 3, by: '[data.u, answer.city]' } }]);
    expect(rows).toEqual([[{ city: 'city of a' }, { city: 'city of a' }], [{ city: 'city of b' }]]);
    expect((await run([1, 2, 3], [{ batch: { size: 2 } }])).rows).toEqual([[1, 2], [3]]);
  });

  it('batch counts the bytes of the results', async () => {
    const { rows } = await run(items, [asks('answer'), { batch: { bytes: '20B' } }]);
    expect(rows).toHaveLength(3);
  });

  it('parts may still name what the source read', async () => {
    const files = { files: [join(folder, 'text.txt')] };
    const steps = [{ read: 'text' }, { split: 'content.split("\\n")' }, { map: 'data.toUpperCase()' }];
    expect((await run(files, steps)).rows).toEqual(['ONE', 'TWO']);
    const root = join(folder, 'parts');
    const write = { write: '{{ filename }}.{{ data }}', content: '{{ basename }}: {{ data }}', root };
    await run(files, [{ read: 'text' }, { split: 'content.split("\\n")' }, write]);
    expect(readFileSync(join(root, 'text.txt.two'), 'utf8')).toBe('text: two');
  });
});
