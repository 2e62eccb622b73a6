import { fault } from './fault.js';
import { placeholderAt, type Quoting, type Rooted } from './placeholders.js';
import { endOfBackquotes, endOfCalculation, endOfParameter } from './shell-ends.js';

/** A piece of a script: text of the user, a placeholder, or a word that stands there once for each value. */
export type Node = string | Ref | Repeated;

export interface Ref {
  readonly token: Rooted;
  readonly quoting: Quoting;
  /** Why no value may be put here. Only of names, which may be text after all. */
  readonly refused?: string;
}

export interface Repeated {
  readonly word: readonly Node[];
}

export interface ParsedScript {
  readonly nodes: readonly Node[];
  readonly refs: readonly Ref[];
  /** Whether `$1` may mean something else than the first argument of the script. */
  readonly movesArguments: boolean;
}

/**
 * Finds the placeholders of a shell script and how each is quoted where it stands.
 *
 * Followed are quotes, backslashes, comments and `$( )`, in one another. A placeholder within backquotes, `${ }`,
 * `(( ))`, `$' '` or the subscript of a variable is refused, and so are here-documents: shells differ there, or would
 * take the value for something to be run.
 */
export function parseScript(text: string, templates: boolean): ParsedScript {
  return new ShellParser(text, templates).script();
}

/** After one of these `$1` is no longer what the script was called with. */
const movers = new Set(['set', 'shift', 'function', 'eval', '.', 'source']);

const subscript = /^(?:[A-Za-z_]\w*)?\[[^\]]*$/;

class ShellParser {
  readonly #text: string;
  readonly #templates: boolean;
  readonly #refs: Ref[] = [];
  #movesArguments = false;
  #at = 0;
  /** The word that has begun; undefined between words. */
  #word: Node[] | undefined;
  #nodes: Node[] = [];

  constructor(text: string, templates: boolean) {
    this.#text = text;
    this.#templates = templates;
  }

  script(): ParsedScript {
    const joined = /[$(<]\\\n/.exec(this.#text);
    if (joined !== null) this.#fault('lines cannot be joined inside of an operator', joined.index);
    const nodes = this.#commands();
    return { nodes, refs: this.#refs, movesArguments: this.#movesArguments };
  }

  /** Up to the end, or up to the `)` of the `$(` at `open`. */
  #commands(open?: number): Node[] {
    const outer = { nodes: this.#nodes, word: this.#word };
    this.#nodes = [];
    this.#word = undefined;
    let depth = 0;
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] as string;
      if (char === '(' && this.#text[this.#at + 1] !== '(') depth++;
      if (char === ')' && depth-- === 0 && open !== undefined) break;
      this.#step(char, open !== undefined);
    }
    if (open !== undefined && this.#at >= this.#text.length) this.#fault('`$(` is opened and not closed', open);
    this.#endWord(open !== undefined);
    const nodes = this.#nodes;
    this.#nodes = outer.nodes;
    this.#word = outer.word;
    return nodes;
  }

  #step(char: string, nested: boolean): void {
    if (' \t\n;&|<>()'.includes(char)) this.#operator(char, nested);
    else if (char === '#' && this.#word === undefined) this.#comment();
    else if (char === "'") this.#single();
    else if (char === '"') this.#double();
    else if (char === '`') this.#backquotes();
    else if (char === '$') this.#dollar(false);
    else if (char === '\\') {
      if (this.#at + 1 >= this.#text.length) this.#fault('`\\` at the end has nothing to quote', this.#at);
      // Lines that are joined neither begin a word nor end one.
      if (this.#word === undefined && this.#text[this.#at + 1] === '\n') this.#between(2);
      else this.#take(2);
    } else if (char !== '{' || !this.#placeholder('none')) this.#take(1);
  }

  #operator(char: string, nested: boolean): void {
    this.#endWord(nested);
    const rest = this.#text.slice(this.#at, this.#at + 3);
    if (rest.startsWith('<<') && rest !== '<<<') {
      this.#fault("here-documents cannot be followed: use `printf '%s\\n' {} | ...`, or a script in a file", this.#at);
    }
    if (rest.startsWith('((')) {
      this.#calculation(this.#at);
      return;
    }
    if (char === '(' && /^\(\s*\)/.test(this.#text.slice(this.#at, this.#at + 80))) this.#movesArguments = true;
    this.#between(rest === '<<<' ? 3 : 1);
  }

  /** Text that is no part of a word. */
  #between(size: number): void {
    append(this.#nodes, this.#text.slice(this.#at, this.#at + size));
    this.#at += size;
  }

  #endWord(nested: boolean): void {
    const word = this.#word;
    this.#word = undefined;
    if (word === undefined) return;
    const [only] = word;
    if (word.length === 1 && typeof only === 'string') {
      if (movers.has(only)) this.#movesArguments = true;
      if (nested && only === 'case') this.#fault('`case` cannot be followed inside `$( )`', this.#at - 4);
    }
    const repeats = word.some(
      (node) =>
        isRef(node) && node.quoting === 'none' && node.token.kind === 'value' && node.token.position === undefined,
    );
    if (repeats) this.#nodes.push({ word });
    else for (const node of word) append(this.#nodes, node);
  }

  #take(size: number): void {
    append((this.#word ??= []), this.#text.slice(this.#at, this.#at + size));
    this.#at += size;
  }

  #comment(): void {
    const end = this.#text.indexOf('\n', this.#at);
    const stop = end < 0 ? this.#text.length : end;
    append(this.#nodes, this.#text.slice(this.#at, stop));
    this.#at = stop;
  }

  /** Puts the placeholder that begins here into the script; false when there is none. */
  #placeholder(quoting: Quoting): boolean {
    const token = placeholderAt(this.#text, this.#at, quoting, this.#templates);
    if (token === undefined) return false;
    const word = (this.#word ??= []);
    const before = word.map((node) => (typeof node === 'string' ? node : '')).join('');
    const why = subscript.test(before) ? 'in the subscript of a variable bash would calculate it' : undefined;
    this.#ref(word, token, quoting, why);
    this.#at += token.raw.length;
    return true;
  }

  #ref(into: Node[], token: Rooted, quoting: Quoting, refused: string | undefined): void {
    if (refused !== undefined && token.kind !== 'name')
      this.#fault(`${token.raw} cannot be put here: ${refused}`, this.#at);
    const ref: Ref = refused === undefined ? { token, quoting } : { token, quoting, refused };
    this.#refs.push(ref);
    into.push(ref);
  }

  #single(): void {
    const open = this.#at;
    this.#take(1);
    for (let char = this.#next("'", open); char !== "'"; char = this.#next("'", open)) {
      if (char !== '{' || !this.#placeholder('single')) this.#take(1);
    }
    this.#take(1);
  }

  #double(): void {
    const open = this.#at;
    this.#take(1);
    for (let char = this.#next('"', open); char !== '"'; char = this.#next('"', open)) {
      if (char === '\\') this.#take(2);
      else if (char === '`') this.#backquotes();
      else if (char === '$') this.#dollar(true);
      else if (char !== '{' || !this.#placeholder('double')) this.#take(1);
    }
    this.#take(1);
  }

  #dollar(inDouble: boolean): void {
    const open = this.#at;
    const next = this.#text[open + 1] ?? '';
    if (next === '(' && this.#text[open + 2] === '(') this.#calculation(open);
    else if (next === '(') {
      this.#take(2);
      for (const node of this.#commands(open)) append((this.#word ??= []), node);
      this.#take(1);
    } else if (next === '{') {
      if (/[0-9@*#]/.test(this.#text[open + 2] ?? '')) this.#movesArguments = true;
      this.#opaque(
        open,
        endOfParameter(this.#text, open, inDouble),
        'give it to a variable first, as in `x={}; echo "${x%.*}"`',
      );
    } else if (next === '[') this.#fault('`$[ ]` is not followed: write `$(( ))`', open);
    else if (next === "'" && !inDouble) {
      const end = this.#text.indexOf("'", open + 2);
      if (end < 0) this.#fault("`$'` is opened and not closed", open);
      if (this.#text[end - 1] === '\\') this.#fault("shells differ on `\\'` in `$' '`: use other quotes", open);
      this.#opaque(open, end + 1, "shells differ on `$' '`: use other quotes");
    } else {
      if (/[0-9@*#]/.test(next)) this.#movesArguments = true;
      this.#take(/[0-9@*#?!$-]/.test(next) ? 2 : 1);
    }
  }

  #backquotes(): void {
    const end = endOfBackquotes(this.#text, this.#at);
    this.#opaque(this.#at, end, 'write `$( )` in place of the backquotes');
  }

  #calculation(open: number): void {
    const end = endOfCalculation(this.#text, open);
    this.#opaque(open, end, 'in `(( ))` bash would run what a value says; write `( (` for a subshell in another');
  }

  /** Text of a script up to `end` in which no value may be put. */
  #opaque(from: number, end: number, refused: string): void {
    const word = (this.#word ??= []);
    let kept = from;
    for (let at = this.#text.indexOf('{', from); at >= 0 && at < end; at = this.#text.indexOf('{', at + 1)) {
      // The brace of a `${` is the shell's own, unless a template begins with it.
      const own = this.#text[at - 1] === '$' && at > from;
      const token = placeholderAt(this.#text, at, 'none', this.#templates);
      if (token === undefined || (own && token.kind !== 'template')) continue;
      append(word, this.#text.slice(kept, at));
      this.#at = at;
      this.#ref(word, token, 'none', refused);
      kept = at + token.raw.length;
    }
    append(word, this.#text.slice(kept, end));
    this.#at = Math.max(kept, end);
  }

  #next(quote: string, open: number): string {
    const char = this.#text[this.#at];
    return char ?? this.#fault(`\`${quote}\` is opened and not closed`, open);
  }

  #fault(message: string, at: number): never {
    return fault(this.#text, at, message);
  }
}

export const isRef = (node: Node): node is Ref => typeof node === 'object' && 'token' in node;

function append(nodes: Node[], node: Node): void {
  const last = nodes.at(-1);
  if (typeof node === 'string' && typeof last === 'string') nodes[nodes.length - 1] = last + node;
  else nodes.push(node);
}
