import { BREAKS, BYTE_BREAKS, Form, SHORTEST, type Unit } from './secret-form.js';

/** A line of a longer secret, such as a key in a file, is a secret of its own from this length on. */
const LONG_LINE = 16;

/**
 * Finds secrets in text, also where they are encoded: in URLs, in Base64, in hexadecimal digits, in JSON, in HTML, and in
 * one of these in another; and where they are in several lines that were not so before, or a text was cut in the midst.
 */
export class Secrets {
  readonly #forms: readonly Form[];
  /** Those of whole values, in the midst of which a text may have been cut. */
  readonly #whole: readonly Form[];

  constructor(values: Iterable<string>) {
    const given = [...values];
    const all = given.flatMap(partsOf).filter((value) => value.length >= SHORTEST);
    // The longer one first, as it may have the other in it.
    const sorted = [...new Set(all)].sort((a, b) => b.length - a.length);
    const whole = new Set(given.map((value) => value.trim()));
    const forms = sorted.map((value) => [value, formsOf(value)] as const);
    this.#forms = forms.flatMap(([, list]) => list);
    this.#whole = forms.flatMap(([value, list]) => (whole.has(value) ? list : []));
  }

  get none(): boolean {
    return this.#forms.length === 0;
  }

  /** The text with each secret in it replaced by three stars. */
  redact(text: string): string {
    if (this.none) return text;
    const begun = this.#forms.filter((form) => form.mayBeIn(text));
    // What is whole first: the beginning of one secret may be that of another.
    const whole = begun.reduce((result, form) => form.hide(result, false), text);
    const parts = begun.reduce((result, form) => form.hide(result, true), whole);
    return this.#whole.reduce((result, form) => form.hideRest(result), parts);
  }
}

/** Stands where a text was not cut. */
const UNCUT = '\0';

/** Whether a text holds a secret, by what hides it; the beginning of one at its end, and the end at its beginning, do not count. */
export function holdsSecret(text: string, redact: (text: string) => string): boolean {
  const whole = UNCUT + text + UNCUT;
  return redact(whole) !== whole;
}

/** What of a value may turn up alone: without the white space around it, and each of its lines, with short ones behind it. */
function partsOf(value: string): string[] {
  const lines = value.split(/[\r\n]+/).map((line) => line.trim());
  const long = lines.map((line, at) => (line.length >= LONG_LINE ? at : -1)).filter((at) => at >= 0);
  if (lines.length === 1) return [value, value.trim()];
  const runs = long.map((at, i) =>
    lines
      .slice(at, long[i + 1])
      .join('\n')
      .trim(),
  );
  return [value, value.trim(), ...runs, ...long.map((at) => lines[at] as string)];
}

/** A value as it may turn up. In Base64 it depends on what stands before it: all three ways, less what is not its own. */
function formsOf(value: string): Form[] {
  const bytes = Buffer.from(value);
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(shift === 0 ? 0 : shift + 1, (bytes.length + shift) % 3 === 0 ? undefined : -1);
  });
  const units = (value.match(/\s+|\S/gu) ?? []).map((char): Unit => (/\s/.test(char) ? 'space' : escapesOf(char)));
  const hex = bytes.toString('hex');
  return [
    new Form(value, units),
    ...base64
      .filter((text) => text.length >= SHORTEST)
      .map((text) => new Form(text, Array.from(text, ofBase64), BREAKS)),
    new Form(hex, Array.from(hex, ofHex), BYTE_BREAKS),
  ];
}

/** What letters and digits are in Base64 nobody escapes. */
const ofBase64 = (char: string): readonly string[] => (/\w/.test(char) ? [char] : escapesOf(char));

const ofHex = (char: string): readonly string[] => (/\d/.test(char) ? [char] : [char, char.toUpperCase()]);

const known = new Map<string, readonly string[]>();

/** In how many ways a character may be written. */
function escapesOf(char: string): readonly string[] {
  const before = known.get(char);
  if (before !== undefined) return before;
  const json = JSON.stringify(char).slice(1, -1);
  const unicode = (digits: (code: number) => string): string =>
    Array.from({ length: char.length }, (_, at) => `\\u${digits(char.charCodeAt(at))}`).join('');
  const hex = (code: number): string => code.toString(16).padStart(4, '0');
  const percent = [...Buffer.from(char)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const point = char.codePointAt(0) as number;
  const all = [
    char,
    json,
    JSON.stringify(json).slice(1, -1),
    unicode(hex),
    unicode((code) => hex(code).toUpperCase()),
    percent,
    percent.toUpperCase(),
    percent.replaceAll('%', '%25'),
    percent.toUpperCase().replaceAll('%', '%25'),
    `&#${point};`,
    `&#x${point.toString(16)};`,
    ...(OTHERS[char] ?? []),
  ];
  const sorted = [...new Set(all)].sort((a, b) => b.length - a.length);
  known.set(char, sorted);
  return sorted;
}

/** How some characters are written in HTML, by some writers of JSON, in Base64 for URLs, and in a shell. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  '&': ['&amp;'],
  '<': ['&lt;'],
  '>': ['&gt;'],
  '"': ['&quot;'],
  "'": ['&apos;', "'\\''"],
  '/': ['\\/', '_'],
  '+': ['-'],
};
