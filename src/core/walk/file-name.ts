import { isUtf8 } from 'node:buffer';

const MARK = '\ufffd';

/** Whether a name, as it was decoded, may have had bytes in it that are not UTF-8. */
export const isDoubtful = (name: string): boolean => name.includes(MARK);

/**
 * A name as text that can be read. Where it is not UTF-8, each byte that is none stands as U+FFFD and two digits
 * (`caf\ufffdE9`), so that names that differ stay different.
 *
 * A name that is UTF-8 stays as it is, unless it looks like one of those: then its U+FFFD are written so too. `exact`
 * tells whether the text is the name.
 */
export function readableName(bytes: Buffer): { readonly text: string; readonly exact: boolean } {
  const text = bytes.toString('utf8');
  if (isUtf8(bytes) && !/\ufffd[0-9A-F]{2}/.test(text)) return { text, exact: true };
  let readable = '';
  for (let i = 0; i < bytes.length;) {
    const length = characterAt(bytes, i);
    if (length > 0) readable += bytes.toString('utf8', i, i + length);
    else readable += MARK + (bytes[i] as number).toString(16).toUpperCase().padStart(2, '0');
    i += Math.max(1, length);
  }
  return { text: readable, exact: false };
}

/** How many bytes the character takes that begins there; 0 when none does, or it is U+FFFD. */
function characterAt(bytes: Buffer, from: number): number {
  for (let length = 1; length <= 4 && from + length <= bytes.length; length++) {
    const character = bytes.subarray(from, from + length);
    if (isUtf8(character)) return character.toString('utf8') === MARK ? 0 : length;
  }
  return 0;
}
