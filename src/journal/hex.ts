/** The digits of a byte, in hexadecimal. */
const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A whole number below 2^32 as eight digits. */
export const hex32 = (n: number): string =>
  (DIGITS[n >>> 24] as string) +
  (DIGITS[(n >>> 16) & 255] as string) +
  (DIGITS[(n >>> 8) & 255] as string) +
  (DIGITS[n & 255] as string);

/** The value of each character that is a digit, and 16 for the others. */
const VALUES = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(code));
  return value < 0 ? 16 : value;
});

/** The number that eight digits say; undefined when they are none. */
export function readHex32(bytes: Uint8Array, at: number): number | undefined {
  let value = 0;
  for (let i = at; i < at + 8; i++) {
    const digit = VALUES[bytes[i] as number] as number;
    // Beyond the end there is none.
    if (!(digit < 16)) return undefined;
    value = (value << 4) | digit;
  }
  return value >>> 0;
}
