/** The value of each character that is a digit. */
const VALUES = new Uint8Array(128);
for (let value = 0; value < 16; value++) VALUES[value.toString(16).charCodeAt(0)] = value;

/** The word of a key or a fingerprint that begins at a digit. */
export function wordOf(hex: string, at: number): number {
  let word = 0;
  for (let i = at; i < at + 8; i++) word = (word << 4) | (VALUES[hex.charCodeAt(i)] as number);
  return word >>> 0;
}
