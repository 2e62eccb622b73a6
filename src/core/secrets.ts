/** What stands where a secret would. */
const HIDDEN = '***';

/** Shorter values would be found in words that have nothing to do with them. */
const SHORTEST = 4;

/** So much of one in the midst of a text is as good as the whole. */
const TELLING = 12;

/** A line of a longer secret, such as a key in a file, is a secret of its own from this length on. */
const LONG_LINE = 16;

/** Finds secrets in text, also where they are encoded: in URLs, in Base64, in JSON, in HTML, and in one of these in another. */
export class Secrets {
  readonly #forms: readonly Form[];

  constructor(values: Iterable<string>) {
    const all = [...values].flatMap(partsOf).filter((value) => value.length >= SHORTEST);
    // The longer one first, as it may have the other in it.
    const sorted = [...new Set(all)].sort((a, b) => b.length - a.length);
    this.#forms = sorted.flatMap(formsOf);
  }

  get none(): boolean {
    return this.#forms.length === 0;
  }

  /** The text with each secret in it replaced by three stars. */
  redact(text: string): string {
    // What is whole first: the beginning of one secret may be that of another.
    const whole = this.#forms.reduce((result, form) => form.hide(result, false), text);
    return this.#forms.reduce((result, form) => form.hide(result, true), whole);
  }
}

/** Whether a text holds a secret, by what hides it; the beginning of one at its end does not count. */
export const holdsSecret = (text: string, redact: (text: string) => string): boolean =>
  redact(`${text}\n`) !== `${text}\n`;

/** What of a value may turn up alone: without the white space around it, and each of its lines. */
function partsOf(value: string): string[] {
  const lines = value.split(/[\r\n]+/).map((line) => line.trim());
  return [value, value.trim(), ...(lines.length > 1 ? lines.filter((line) => line.length >= LONG_LINE) : [])];
}

/** A value, or what an encoding makes of it, as a sequence of characters each of which may be escaped in some way. */
class Form {
  readonly #plain: string;
  /** What may stand for each character, the longest first. */
  readonly #units: readonly (readonly string[])[];
  /** Where it may begin. */
  readonly #start: RegExp;

  constructor(plain: string, units: readonly string[]) {
    this.#plain = plain;
    this.#units = units.map(escapesOf);
    const first = this.#units.slice(0, SHORTEST).map((unit) => `(?:${unit.map(literal).join('|')})`);
    this.#start = new RegExp(first.join(''), 'g');
  }

  /** Without what is whole, or with `parts` without what tells too much of it. */
  hide(text: string, parts: boolean): string {
    const simple = text.includes(this.#plain) ? text.replaceAll(this.#plain, HIDDEN) : text;
    let result = '';
    let from = 0;
    for (const { index } of simple.matchAll(this.#start)) {
      if (index < from) continue;
      const [end, count] = this.#follow(simple, index);
      if (count < this.#units.length && !(parts && this.#tells(simple, end, count))) continue;
      result += simple.slice(from, index) + HIDDEN;
      from = end;
    }
    return from === 0 ? simple : result + simple.slice(from);
  }

  /** How far it goes on in a text, and of how many characters that is. */
  #follow(text: string, index: number): [end: number, count: number] {
    let end = index;
    let count = 0;
    for (const unit of this.#units) {
      const found = unit.find((each) => text.startsWith(each, end));
      if (found === undefined) break;
      end += found.length;
      count++;
    }
    return [end, count];
  }

  /** Whether its beginning is too much already: where the text was cut, wherever that stands now, and if it is long. */
  #tells(text: string, end: number, count: number): boolean {
    const rest = text.slice(end, end + 8);
    // The end may have been in the midst of an escape.
    if (/^(?:[%&\\][#\w]{0,6})?(?:$|\.\.\.|…)/.test(rest)) return true;
    return count >= TELLING && count >= this.#units.length / 2;
  }
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
  const encoded = [...base64, bytes.toString('hex')].filter((text) => text.length >= SHORTEST);
  // White space may have become one blank.
  return [new Form(value, value.match(/\s+|\S/gu) ?? []), ...encoded.map((text) => new Form(text, Array.from(text)))];
}

/** In how many ways a character, or some white space, may be written. */
function escapesOf(char: string): string[] {
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
    ...(/^\s/.test(char) ? [' ', '+', '%20'] : []),
  ];
  return [...new Set(all)].sort((a, b) => b.length - a.length);
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

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
