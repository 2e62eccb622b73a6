/** The reversed polynomial of Castagnoli, whose sums find every error of few bits in short records. */
const POLYNOMIAL = 0x82f63b78;

/** Four tables of 256: with them four bytes are taken at a time. */
const table = makeTable();

function makeTable(): Int32Array {
  const made = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1;
    made[byte] = sum;
  }
  for (let at = 256; at < made.length; at++) {
    const before = made[at - 256] as number;
    made[at] = (made[before & 255] as number) ^ (before >>> 8);
  }
  return made;
}

/** The CRC-32C of the bytes from `start` up to `end`; of several pieces, when that of those before is given. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, before = 0): number {
  let sum = ~before;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    sum ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    sum =
      (table[768 + (sum & 255)] as number) ^
      (table[512 + ((sum >>> 8) & 255)] as number) ^
      (table[256 + ((sum >>> 16) & 255)] as number) ^
      (table[sum >>> 24] as number);
  }
  for (; at < end; at++) sum = (table[(sum ^ (bytes[at] as number)) & 255] as number) ^ (sum >>> 8);
  return ~sum >>> 0;
}
