import { expect, it } from 'vitest';
import { sealed, unsealed } from '../../src/journal/sealed-letters.js';

const letter =
  '{"$batchx":"failed","outcome":"in-doubt","id":"a","metadata":{},"error":{"code":"http","message":"no"},"data":{"n":1}}';

it('a letter is what it was, or is refused, whatever byte of it is another', () => {
  const [line = '', end] = sealed(`${letter}\n`).split('\n');
  expect([JSON.parse(line), end]).toEqual([
    { ...(JSON.parse(letter) as object), sum: expect.stringMatching(/^[\da-f]{8}$/) as unknown },
    '',
  ]);
  expect(unsealed(line, 'failed.jsonl')).toBe(letter);
  for (let at = 0; at < line.length; at++) {
    for (const bit of [1, 4, 32]) {
      const bytes = Buffer.from(line);
      bytes[at] = (bytes[at] as number) ^ bit;
      const other = bytes.toString('latin1');
      let read: string;
      try {
        read = unsealed(other, 'failed.jsonl');
      } catch (error) {
        expect(error).toMatchObject({ code: 'locked', message: expect.stringContaining('failed.jsonl') as unknown });
        continue;
      }
      // What is no longer said of itself to be a letter with a sum says all else as it did.
      expect(read.slice(read.indexOf('"outcome"')), `at ${at}`).toBe(letter.slice(letter.indexOf('"outcome"')));
    }
  }
});

it('a letter that somebody has written without a sum is taken as it is', () => {
  expect(unsealed(letter, 'failed.jsonl')).toBe(letter);
  expect(sealed('no letter\n')).toBe('no letter\n');
});
