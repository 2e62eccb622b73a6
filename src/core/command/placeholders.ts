import type { PathPart } from './path-part.js';

/** A piece of a command: text that is passed on as it stands, or what a value is put in place of. */
export type Token =
  | { readonly kind: 'text'; readonly text: string }
  | Placeholder
  /** `{x}`: a value where the names of the values know `x`, text otherwise. */
  | { readonly kind: 'name'; readonly raw: string };

export type Placeholder =
  /** A value by its position, counted from 1 or from the end with -1; without one all of them. */
  | { readonly kind: 'value'; readonly raw: string; readonly position: number | undefined; readonly part: PathPart }
  /** The number of the item, the number of the slot that it runs in, the path that the command is to write. */
  | { readonly kind: 'seq' | 'slot' | 'output'; readonly raw: string }
  /** `{{ x }}`: what the caller's scope knows as `x`. */
  | { readonly kind: 'template'; readonly raw: string; readonly name: string };

/** What surrounds a piece of a command; it decides which texts in braces can be a name. */
export type Quoting = 'none' | 'single' | 'double' | 'split';

const names: Readonly<Record<Quoting, RegExp>> = {
  none: /^[^'"\\`$|&;<>()\s]+$/,
  single: /^[^'\n]+$/,
  double: /^[^"\\`$\n]+$/,
  split: /^[^\n]+$/,
};

const template = /\{\{([^{}]+)\}\}/y;
const braces = /\{([^{}]*)\}/y;
const value = /^(-?\d+[ \t]*)?(\.|\/\/|\/\.|\/)?$/;

/** The placeholder that begins with the brace at `at`; undefined when the brace is only a brace. */
export function placeholderAt(text: string, at: number, quoting: Quoting, templates: boolean): Rooted | undefined {
  if (templates) {
    template.lastIndex = at;
    const [raw, name = ''] = template.exec(text) ?? [];
    if (raw !== undefined && name.trim() === 'outputPath') return { kind: 'output', raw };
    if (raw !== undefined && name.trim() !== '') return { kind: 'template', raw, name: name.trim() };
  }
  braces.lastIndex = at;
  const [raw, inner = ''] = braces.exec(text) ?? [];
  if (raw === undefined) return undefined;
  if (inner === '#') return { kind: 'seq', raw };
  if (inner === '%') return { kind: 'slot', raw };
  if (inner === 'outputPath') return { kind: 'output', raw };
  const [whole, position, part = ''] = value.exec(inner) ?? [];
  if (whole === undefined) return names[quoting].test(inner) ? { kind: 'name', raw } : undefined;
  if (position !== undefined && Number(position) === 0) return undefined;
  return {
    kind: 'value',
    raw,
    position: position === undefined ? undefined : Number(position),
    part: part as PathPart,
  };
}

/** A token that is no plain text: it knows the text that it was written as. */
export type Rooted = Exclude<Token, { kind: 'text' }>;

/** Cuts text that needs no unquoting into text and placeholders. */
export function tokensOf(text: string, templates: boolean): Token[] {
  const tokens: Token[] = [];
  let from = 0;
  for (let at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at)) {
    const found = placeholderAt(text, at, 'split', templates);
    if (found === undefined) {
      at++;
      continue;
    }
    if (at > from) tokens.push({ kind: 'text', text: text.slice(from, at) });
    tokens.push(found);
    from = at += found.raw.length;
  }
  if (from < text.length) tokens.push({ kind: 'text', text: text.slice(from) });
  return tokens;
}

const suffix = /(\/\.|\/\/|\/|\.)$/;

/** A token once it is known what the values are called: `{name}` and `{name.}` are values, or nothing but text. */
export function withNames(token: Token, called: readonly string[] | undefined): Exclude<Token, { kind: 'name' }> {
  if (token.kind !== 'name') return token;
  const { raw } = token;
  const inner = raw.slice(1, -1);
  const [part = ''] = suffix.exec(inner) ?? [];
  for (const [name, of] of [
    [inner, ''],
    [inner.slice(0, inner.length - part.length), part],
  ] as const) {
    const index = name === '' ? -1 : (called?.indexOf(name) ?? -1);
    if (index >= 0) return { kind: 'value', raw, position: index + 1, part: of as PathPart };
  }
  return { kind: 'text', text: raw };
}
