import { expect, it } from 'vitest';
import { parseDocument } from '../../../src/pipeline/file/document.js';

const read = (text: string) => parseDocument(text, 'p.yaml').then(({ value }) => value);

it.each([
  ['12345678901234567890', '12345678901234567890'],
  ['-9007199254740993', '-9007199254740993'],
  ['1e400', '1e400'],
])('a number that would be another one is refused where it stands: %s', async (number, shown) => {
  await expect(read(`name: x\nids:\n  - 1\n  - ${number}\n`)).rejects.toThrow(
    `p.yaml:4:5: ${shown} is too long or too large for a number: write it in quotes, as text`,
  );
  expect(await read(`a: "${number}"`)).toEqual({ a: number });
});

it('a number that is kept is read', async () => {
  expect(await read('[9007199254740992, +5, -7, 1e21, 0.1, .inf, 0o17, 0xff]')).toEqual([
    9007199254740992,
    5,
    -7,
    1e21,
    0.1,
    Infinity,
    15,
    255,
  ]);
});
