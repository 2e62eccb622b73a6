/** What stands where a secret would. */
export const HIDDEN = '***';

/** Shorter values would be found in words that have nothing to do with them. */
export const SHORTEST = 4;

/** So much of one in the midst of a text is as good as the whole. */
const TELLING = 12;

/** So much of one behind a cut is its own, and no word that looks like it. */
const REST = 8;

/** White space as it is, and in URLs, JSON, JSON in JSON and HTML. */
const SPACE = String.raw`(?:\s|%(?:25)?(?:20|2[Bb]|0[9AaDd])|\\{1,3}(?:[nrt]|u00(?:20|0[9AaDd]))|&#(?:x20|x[9AaDd]|9|10|13|32);)`;

/** What may stand between the characters of an encoding: the end of a line, with the space that the next one begins with. */
export const BREAKS = `${SPACE}{0,16}`;
/** The same between those of bytes that are told one by one. */
export const BYTE_BREAKS = `(?:${SPACE}|:){0,16}`;

/** White space in a secret may have become a blank, or other line ends; in forms it is written as `+`. */
const spaces = `(?:${SPACE}+|\\++)`;
const anySpaces = new RegExp(spaces, 'y');

/** Where a text goes on that was cut before: at its beginning, and behind dots, also in quotes. */
const cuts = /(?:^|(?:\.\.\.|…)["']?)\s*/g;
/** Where it was cut: the end may have been in the midst of an escape. */
const cutOff = /^(?:[%&\\][#\w]{0,6})?(?:$|\s{0,4}["']?(?:\.\.\.|…))/;
/** More than `cutOff` looks at. */
const LOOK = 24;

/** What may stand for a character, the longest first; white space may be written in any way. */
export type Unit = readonly string[] | 'space';

/** A value, or what an encoding makes of it, as a sequence of characters each of which may be escaped in some way. */
export class Form {
  readonly #plain: string;
  readonly #units: readonly Unit[];
  /** What may stand between two of them. */
  readonly #gap: RegExp | undefined;
  /** Where it may begin. */
  readonly #start: RegExp;
  /** By the character that a text goes on with, where in the secret that may be. */
  #places: ReadonlyMap<string, readonly number[]> | undefined;

  constructor(plain: string, units: readonly Unit[], gap?: string) {
    this.#plain = plain;
    this.#units = units;
    this.#gap = gap === undefined ? undefined : new RegExp(gap, 'y');
    const first = units.slice(0, SHORTEST);
    const patterns = first.map((unit) => (unit === 'space' ? spaces : `(?:${unit.map(literal).join('|')})`));
    this.#start = new RegExp(patterns.join(gap ?? ''), 'g');
  }

  /** Whether it begins somewhere in a text. */
  mayBeIn(text: string): boolean {
    return text.search(this.#start) >= 0;
  }

  /** Without what is whole, or with `parts` without what tells too much of it. */
  hide(text: string, parts: boolean): string {
    const simple = text.includes(this.#plain) ? text.replaceAll(this.#plain, HIDDEN) : text;
    let result = '';
    let from = 0;
    for (const { index } of simple.matchAll(this.#start)) {
      if (index < from) continue;
      const [end, count] = this.#follow(simple, index, 0);
      if (count < this.#units.length && !(parts && this.#tells(simple, end, count))) continue;
      result += simple.slice(from, index) + HIDDEN;
      from = end;
    }
    return from === 0 ? simple : result + simple.slice(from);
  }

  /** Without what a text goes on with that was cut in the midst of it, up to its end or to another cut. */
  hideRest(text: string): string {
    let result = '';
    let from = 0;
    for (const { 0: cut, index } of text.matchAll(cuts)) {
      const at = index + cut.length;
      const end = at < from ? undefined : this.#restEnd(text, at);
      if (end === undefined) continue;
      result += text.slice(from, at) + HIDDEN;
      from = end;
    }
    return from === 0 ? text : result + text.slice(from);
  }

  #restEnd(text: string, at: number): number | undefined {
    this.#places ??= placesOf(this.#units);
    for (const place of this.#places.get(text[at] ?? '') ?? []) {
      const [end, count] = this.#follow(text, at, place);
      if (count < REST) continue;
      if (place + count === this.#units.length || cutOff.test(text.slice(end, end + LOOK))) return end;
    }
    return undefined;
  }

  /** How far it goes on in a text from one of its characters, and of how many characters that is. */
  #follow(text: string, index: number, first: number): [end: number, count: number] {
    let end = index;
    let at = first;
    for (; at < this.#units.length; at++) {
      const unit = this.#units[at] as Unit;
      let next = after(unit, text, end);
      if (next === undefined && this.#gap !== undefined && at > first) {
        next = after(unit, text, end + sizeOf(this.#gap, text, end));
      }
      if (next === undefined) break;
      end = next;
    }
    return [end, at - first];
  }

  /** Whether its beginning is too much already: where the text was cut, wherever that stands now, and if it is long. */
  #tells(text: string, end: number, count: number): boolean {
    if (cutOff.test(text.slice(end, end + LOOK))) return true;
    return count >= TELLING && count >= this.#units.length / 2;
  }
}

/** Where a character of a secret ends that a text has at a place, if it has it. */
function after(unit: Unit, text: string, at: number): number | undefined {
  if (unit === 'space') {
    const size = sizeOf(anySpaces, text, at);
    return size === 0 ? undefined : at + size;
  }
  const found = unit.find((each) => text.startsWith(each, at));
  return found === undefined ? undefined : at + found.length;
}

function sizeOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

function placesOf(units: readonly Unit[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  units.forEach((unit, place) => {
    // From its first character on it is found without a cut.
    if (unit === 'space' || place === 0 || place > units.length - REST) return;
    for (const first of new Set(unit.map((each) => each.charAt(0)))) {
      const known = places.get(first);
      if (known === undefined) places.set(first, [place]);
      else known.push(place);
    }
  });
  return places;
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
