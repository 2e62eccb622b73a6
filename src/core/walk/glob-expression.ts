/** A piece of an expression, or a group such as `!(a|b)` with its ways. */
type Token = string | { readonly kind: string; readonly guard: string; readonly ways: readonly Tokens[] };
type Tokens = readonly Token[];

/**
 * The expression of the names that a glob without slashes and braces matches: `*`, `?`, `[a-z]`, and, as bash has them,
 * `@(a|b)`, `?(a|b)`, `*(a|b)`, `+(a|b)`. `!(a|b)` is any text, unless all from there on could be one of these and what
 * follows. What is not closed stands for itself, and so does what comes after a backslash. A dot at the beginning is only
 * matched by one that is written, unless hidden names are wanted.
 */
export function globExpression(glob: string, hidden: boolean): RegExp {
  const [tokens = []] = new Reader(glob, hidden ? '' : NO_DOT_FIRST).ways(false);
  return new RegExp(`^${written(tokens, '')}$`, 'u');
}

const NO_DOT_FIRST = '(?!^\\.)';

class Reader {
  readonly #glob: string;
  /** What stands before all that is not written out. */
  readonly #guard: string;
  /** Where the groups begin that are closed. */
  readonly #groups = new Set<number>();
  #at = 0;

  constructor(glob: string, guard: string) {
    this.#glob = glob;
    this.#guard = guard;
    const open: number[] = [];
    for (const { 0: found, index } of glob.matchAll(/\\.|[@?!+*]\(|\)/gs)) {
      if (found === ')') this.#groups.add(open.pop() ?? -1);
      else if (!found.startsWith('\\')) open.push(index);
    }
  }

  /** What is read to the end, or within a group to where it is closed: as many ways as there are bars in it, and one. */
  ways(within: boolean): Tokens[] {
    const ways: Token[][] = [[]];
    while (this.#at < this.#glob.length) {
      const char = this.#glob[this.#at];
      if (within && char === ')') break;
      if (within && char === '|') {
        ways.push([]);
        this.#at++;
      } else ways.at(-1)?.push(this.#token());
    }
    return ways;
  }

  #token(): Token {
    const at = this.#at;
    if (this.#groups.has(at)) {
      this.#at += 2;
      const ways = this.ways(true);
      this.#at++;
      return { kind: this.#glob.charAt(at), guard: this.#guard, ways };
    }
    const [text = '', set, escaped] = TOKEN.exec(this.#glob.slice(at)) ?? [];
    this.#at += text.length;
    if (set !== undefined) return this.#guard + setOf(set);
    if (text === '*') return this.#guard + ANY_TEXT;
    return text === '?' ? `${this.#guard}[^]` : literally(escaped ?? text);
  }
}

/** A set, or a character, which may have a backslash before it. */
const TOKEN = /^(?:(\[[!^]?\]?(?:\[:\w+:\]|\\.|[^\]])*?\])|\\(.)|.)/su;

const ANY_TEXT = '[^]*';

/** The tokens as an expression, where `after` is that of all that follows them. */
function written(tokens: Tokens, after: string): string {
  return tokens.reduceRight<string>((text, token) => {
    if (typeof token === 'string') return token + text;
    const { kind, guard, ways } = token;
    const group = `(?:${ways.map((way) => written(way, text + after)).join('|')})`;
    if (kind === '!') return `${guard}(?!${group}${text}${after}$)${ANY_TEXT}${text}`;
    return (kind === '@' ? group : group + kind) + text;
  }, '');
}

const CLASSES: Readonly<Record<string, string>> = {
  alnum: '\\p{L}\\p{N}',
  alpha: '\\p{L}',
  blank: ' \\t',
  digit: '0-9',
  lower: '\\p{Ll}',
  punct: '\\p{P}\\p{S}',
  space: '\\s',
  upper: '\\p{Lu}',
  xdigit: '0-9A-Fa-f',
};

function setOf(set: string): string {
  const [, not, members = ''] = /^\[([!^]?)(.*)\]$/su.exec(set) ?? [];
  const written = members.replace(/\[:(\w+):\]|\\(.)|[\]\\[^&]/gsu, (found, name?: string, escaped?: string) =>
    name === undefined ? (escaped === '-' ? '\\-' : literally(escaped ?? found)) : (CLASSES[name] ?? ''),
  );
  return `[${not === '' ? '' : '^'}${written}]`;
}

const literally = (char: string): string => (/[\^$\\.*+?()[\]{}|/]/u.test(char) ? `\\${char}` : char);
