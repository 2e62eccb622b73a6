import type { Quoting } from './placeholders.js';
import { type Opaque, ScriptBuilder } from './shell-builder.js';
import { endOfBackquotes, endOfCalculation, endOfParameter } from './shell-ends.js';
import type { Node, ParsedScript } from './shell-nodes.js';

/**
 * Finds the placeholders of a shell script and how each is quoted where it stands.
 *
 * Followed are quotes, backslashes, comments and `$( )`, in one another. A placeholder within backquotes, `${ }`,
 * `(( ))`, `$' '` or the subscript of a variable is refused, but for numbers in `(( ))`, and so are here-documents:
 * shells differ there, or would take the value for something to be run.
 */
export function parseScript(text: string, templates: boolean): ParsedScript {
  return new ShellParser(text, templates).script();
}

/** After one of these `$1` is no longer what the script was called with. */
const movers = new Set(['set', 'shift', 'function', 'eval', '.', 'source']);

const opaque = {
  backquotes: { why: 'write `$( )` in place of the backquotes' },
  parameter: { why: 'give it to a variable first, as in `x={}; echo "${x%.*}"`' },
  escapes: { why: "shells differ on `$' '`: use other quotes" },
  calculation: {
    why: 'in `(( ))` bash would run what a value says; write `( (` for a subshell in another',
    numbers: true,
  },
} satisfies Record<string, Opaque>;

class ShellParser {
  readonly #script: ScriptBuilder;
  #movesArguments = false;

  constructor(text: string, templates: boolean) {
    this.#script = new ScriptBuilder(text, templates);
  }

  script(): ParsedScript {
    const joined = /[$(<]\\\n/.exec(this.#script.text);
    if (joined !== null) this.#script.fault('lines cannot be joined inside of an operator', joined.index);
    const nodes = this.#commands();
    return { nodes, refs: this.#script.refs, movesArguments: this.#movesArguments };
  }

  /** Up to the end, or up to the `)` of the `$(` at `open`. */
  #commands(open?: number): Node[] {
    const script = this.#script;
    const nested = open !== undefined;
    return script.apart(() => {
      let depth = 0;
      for (let char = script.peek(); char !== ''; char = script.peek()) {
        if (char === '(' && script.peek(2) !== '((') depth++;
        if (char === ')' && depth-- === 0 && nested) break;
        this.#step(char, nested);
      }
      if (nested && script.peek() === '') script.fault('`$(` is opened and not closed', open);
      this.#endWord(nested);
    });
  }

  #step(char: string, nested: boolean): void {
    const script = this.#script;
    if (' \t\n;&|<>()'.includes(char)) this.#operator(char, nested);
    else if (char === '#' && !script.inWord) this.#comment();
    else if (char === "'") this.#single();
    else if (char === '"') this.#double();
    else if (char === '`') this.#backquotes();
    else if (char === '$') this.#dollar(false);
    else if (char === '\\') {
      if (script.peek(2).length < 2) script.fault('`\\` at the end has nothing to quote');
      // Lines that are joined neither begin a word nor end one.
      if (!script.inWord && script.peek(2) === '\\\n') script.between(2);
      else script.take(2);
    } else this.#takeOne(char, 'none');
  }

  #operator(char: string, nested: boolean): void {
    const script = this.#script;
    this.#endWord(nested);
    const rest = script.peek(3);
    if (rest.startsWith('<<') && rest !== '<<<') {
      script.fault("here-documents cannot be followed: use `printf '%s\\n' {} | ...`, or a script in a file");
    }
    if (rest.startsWith('((')) {
      this.#calculation();
      return;
    }
    if (char === '(' && /^\(\s*\)/.test(script.peek(80))) this.#movesArguments = true;
    script.between(rest === '<<<' ? 3 : 1);
  }

  #endWord(nested: boolean): void {
    const word = this.#script.endWord();
    if (word === undefined) return;
    if (movers.has(word)) this.#movesArguments = true;
    if (nested && word === 'case') {
      this.#script.fault('`case` cannot be followed inside `$( )`', this.#script.at - word.length);
    }
  }

  #comment(): void {
    const { text, at } = this.#script;
    const end = text.indexOf('\n', at);
    this.#script.between((end < 0 ? text.length : end) - at);
  }

  /** A character of a word, or the placeholder that begins with it. */
  #takeOne(char: string, quoting: Quoting): void {
    if (char !== '{' || !this.#script.placeholder(quoting)) this.#script.take(1);
  }

  #single(): void {
    const close = this.#open("'");
    for (let char = close(); char !== "'"; char = close()) this.#takeOne(char, 'single');
    this.#script.take(1);
  }

  #double(): void {
    const close = this.#open('"');
    for (let char = close(); char !== '"'; char = close()) {
      if (char === '\\') this.#script.take(2);
      else if (char === '`') this.#backquotes();
      else if (char === '$') this.#dollar(true);
      else this.#takeOne(char, 'double');
    }
    this.#script.take(1);
  }

  /** Reads a quote; what it gives tells the next character, which has to be there for as long as it is open. */
  #open(quote: string): () => string {
    const script = this.#script;
    const { at } = script;
    script.take(1);
    return () => script.peek() || script.fault(`\`${quote}\` is opened and not closed`, at);
  }

  #dollar(inDouble: boolean): void {
    const script = this.#script;
    const { text, at } = script;
    const next = text[at + 1] ?? '';
    if (next === '(' && text[at + 2] === '(') this.#calculation();
    else if (next === '(') {
      script.take(2);
      script.add(this.#commands(at));
      script.take(1);
    } else if (next === '{') {
      if (/[0-9@*#]/.test(text[at + 2] ?? '')) this.#movesArguments = true;
      script.opaque(endOfParameter(text, at, inDouble), opaque.parameter);
    } else if (next === '[') script.fault('`$[ ]` is not followed: write `$(( ))`');
    else if (next === "'" && !inDouble) {
      const end = text.indexOf("'", at + 2);
      if (end < 0) script.fault("`$'` is opened and not closed");
      if (text[end - 1] === '\\') script.fault("shells differ on `\\'` in `$' '`: use other quotes");
      script.opaque(end + 1, opaque.escapes);
    } else {
      if (/[0-9@*#]/.test(next)) this.#movesArguments = true;
      script.take(/[0-9@*#?!$-]/.test(next) ? 2 : 1);
    }
  }

  #backquotes(): void {
    const { text, at } = this.#script;
    this.#script.opaque(endOfBackquotes(text, at), opaque.backquotes);
  }

  #calculation(): void {
    const { text, at } = this.#script;
    this.#script.opaque(endOfCalculation(text, at), opaque.calculation);
  }
}
