/** The word of a key or a fingerprint that begins at a digit. */
export const wordOf = (hex: string, at: 0 | 8): number => parseInt(hex.slice(at, at + 8), 16);
