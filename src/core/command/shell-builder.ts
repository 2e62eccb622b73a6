import { fault } from './fault.js';
import { placeholderAt, type Quoting, type Rooted } from './placeholders.js';
import { append, type Node, type Ref, repeats } from './shell-nodes.js';

/** Text of a script that is not looked into. */
export interface Opaque {
  /** Why no value can be put there, and what to do. */
  readonly why: string;
  /** Whether a number may be: that of the item, and that of its slot. */
  readonly numbers?: boolean;
}

const subscript = /^(?:[A-Za-z_]\w*)?\[[^\]]*$/;

/** The nodes of a script, made while its text is read from the beginning to the end. */
export class ScriptBuilder {
  readonly text: string;
  readonly refs: Ref[] = [];
  readonly #templates: boolean;
  #at = 0;
  /** The word that has begun; undefined between words. */
  #word: Node[] | undefined;
  #nodes: Node[] = [];

  constructor(text: string, templates: boolean) {
    this.text = text;
    this.#templates = templates;
  }

  /** How far the text has been read. */
  get at(): number {
    return this.#at;
  }

  get inWord(): boolean {
    return this.#word !== undefined;
  }

  /** The text that comes next. */
  peek(size = 1): string {
    return this.text.slice(this.#at, this.#at + size);
  }

  /** Reads text that belongs to a word, which begins with it unless it has. */
  take(size: number): void {
    append((this.#word ??= []), this.#read(size));
  }

  /** Reads text that is no part of a word. */
  between(size: number): void {
    append(this.#nodes, this.#read(size));
  }

  /** Ends the word; gives it when it is nothing but text. */
  endWord(): string | undefined {
    const word = this.#word;
    this.#word = undefined;
    if (word === undefined) return undefined;
    if (repeats(word)) this.#nodes.push({ word });
    else for (const node of word) append(this.#nodes, node);
    const [only] = word;
    return word.length === 1 && typeof only === 'string' ? only : undefined;
  }

  /** The nodes of what is read meanwhile, apart from those before. */
  apart(read: () => void): Node[] {
    const outer = { nodes: this.#nodes, word: this.#word };
    this.#nodes = [];
    this.#word = undefined;
    read();
    const nodes = this.#nodes;
    this.#nodes = outer.nodes;
    this.#word = outer.word;
    return nodes;
  }

  /** Adds nodes to the word. */
  add(nodes: readonly Node[]): void {
    for (const node of nodes) append((this.#word ??= []), node);
  }

  /** Reads the placeholder that begins here; false when there is none. */
  placeholder(quoting: Quoting): boolean {
    const token = placeholderAt(this.text, this.#at, quoting, this.#templates);
    if (token === undefined) return false;
    const word = (this.#word ??= []);
    const before = word.map((node) => (typeof node === 'string' ? node : '')).join('');
    const why = subscript.test(before) ? 'in the subscript of a variable bash would calculate it' : undefined;
    this.#ref(token, quoting, why);
    return true;
  }

  /** Reads text up to `end` in which no value may be put. */
  opaque(end: number, { why, numbers = false }: Opaque): void {
    const from = this.#at;
    for (let brace = this.text.indexOf('{', from); brace >= 0 && brace < end;) {
      // The brace of a `${` is the shell's own, unless a template begins with it.
      const own = this.text[brace - 1] === '$' && brace > from;
      const token = placeholderAt(this.text, brace, 'none', this.#templates);
      if (token !== undefined && !(own && token.kind !== 'template')) {
        this.take(brace - this.#at);
        // As in double quotes: nothing but digits comes of it, and shells differ on quotes there.
        if (numbers && (token.kind === 'seq' || token.kind === 'slot')) this.#ref(token, 'double', undefined);
        else this.#ref(token, 'none', why);
      }
      brace = this.text.indexOf('{', brace + 1);
    }
    if (end > this.#at) this.take(end - this.#at);
  }

  fault(message: string, at = this.#at): never {
    return fault(this.text, at, message);
  }

  #ref(token: Rooted, quoting: Quoting, refused: string | undefined): void {
    if (refused !== undefined && token.kind !== 'name') this.fault(`${token.raw} cannot be put here: ${refused}`);
    const ref: Ref = refused === undefined ? { token, quoting } : { token, quoting, refused };
    this.refs.push(ref);
    (this.#word ??= []).push(ref);
    this.#at += token.raw.length;
  }

  #read(size: number): string {
    const text = this.peek(size);
    this.#at += size;
    return text;
  }
}
