import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { lines, literals, toLines } from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { temporaryFolder } from '../contract/temp.js';

async function written(values: readonly unknown[]): Promise<{ text: string; faults: (string | undefined)[] }> {
  const runtime = fakeRuntime();
  const outcomes = await lastValueFrom(literals(values).pipe(toLines('-', runtime), toArray()));
  return { text: runtime.stdout, faults: outcomes.map(({ error }) => error?.message) };
}

describe('toLines', () => {
  it('writes text as it is and other values as JSON', async () => {
    expect((await written(['a "b"', 2, { n: 3 }, null, ['ä']])).text).toBe('a "b"\n2\n{"n":3}\nnull\n["ä"]\n');
  });

  it('writes to a file', async () => {
    const path = join(temporaryFolder(), 'out.txt');
    await lastValueFrom(literals(['a', 'b']).pipe(toLines(path)));
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n');
  });

  it('fails what could not be read back as one line', async () => {
    const { text, faults } = await written(['a\nb', 'c\r', 'd\re', '\ud800', () => 1, '', 'f']);
    expect(text).toBe('d\re\nf\n');
    expect(faults).toEqual([
      expect.stringContaining('it contains a line break'),
      expect.stringContaining('it contains a line break'),
      undefined,
      expect.stringContaining('surrogate'),
      'expected a value that JSON can say, got a function',
      expect.stringContaining('expected text that is not empty'),
      undefined,
    ]);
  });

  it('is read back as what it was', async () => {
    const texts = fc.array(fc.string({ unit: 'grapheme' }).filter((text) => !text.startsWith('\ufeff')));
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        const { text, faults } = await written(values);
        const back = await lastValueFrom(lines('-', {}, fakeRuntime({ stdin: [text] })).pipe(toArray()));
        expect(back.map(({ data }) => data)).toEqual(values.filter((_, i) => faults[i] === undefined));
      }),
    );
  });
});
