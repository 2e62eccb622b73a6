import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32c } from '../../src/journal/crc32c.js';
import { hex32, readHex32 } from '../../src/journal/hex.js';
import { isWhole, SummedLines } from '../../src/journal/summed-lines.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

it.each([
  ['nothing', bytes(''), 0x00000000],
  ['one letter', bytes('a'), 0xc1d04330],
  ['the digits', bytes('123456789'), 0xe3069283],
  ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
  ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['32 bytes that rise', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ['32 bytes that fall', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
])('gives the sum that RFC 3720 and others give for %s', (_, what, sum) => {
  expect(crc32c(what)).toBe(sum);
});

it('gives for pieces what it gives for the whole, wherever they are cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), fc.nat(7), (what, cut, before) => {
      const padded = Buffer.concat([Buffer.alloc(before, 7), what]);
      const middle = before + Math.min(cut, what.length);
      const first = crc32c(padded, before, middle);
      expect(crc32c(padded, middle, padded.length, first)).toBe(crc32c(what));
    }),
  );
});

it('reads the hexadecimal digits that it writes, and no others', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), (n) => {
      expect(hex32(n)).toBe(n.toString(16).padStart(8, '0'));
      expect(readHex32(bytes(`x${hex32(n)}`), 1)).toBe(n);
    }),
  );
  for (const text of ['1234567', '1234567g', '1234567A', ' 2345678', '-2345678'])
    expect(readHex32(bytes(text), 0), text).toBeUndefined();
});

it('writes lines that are JSON and whole, and whole no more when any bit of them is another', () => {
  const lines = new SummedLines();
  lines.add('{"a":"ä€😀"');
  lines.addText('as it is\n');
  const written = Buffer.from(lines.take());
  const end = written.indexOf('\n');
  expect(JSON.parse(written.toString('utf8', 0, end))).toMatchObject({ a: 'ä€😀' });
  expect(isWhole(written, 0, end)).toBe(true);
  expect(written.toString('utf8', end + 1)).toBe('as it is\n');
  for (let bit = 0; bit < end * 8; bit++) {
    const other = Buffer.from(written);
    other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(isWhole(other, 0, end), `bit ${bit}`).toBe(false);
  }
});

it('holds lines of any length', () => {
  const lines = new SummedLines();
  const long = '€'.repeat(3_000_000);
  lines.add(`{"a":"${long}"`);
  lines.add('{"b":1');
  const [first, second] = Buffer.from(lines.take()).toString().split('\n');
  expect((JSON.parse(first as string) as { a: string }).a).toBe(long);
  expect(JSON.parse(second as string)).toMatchObject({ b: 1 });
  expect(lines.length).toBe(0);
});
