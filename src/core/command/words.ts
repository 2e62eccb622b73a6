import { fault } from './fault.js';
import { placeholderAt, type Quoting, type Token, tokensOf } from './placeholders.js';

/** A piece of a word, and whether it stands in quotes. */
export interface Piece {
  readonly token: Token;
  readonly quoted: boolean;
}

export type Word = readonly Piece[];

/**
 * Splits a command into words as a POSIX shell would, without running one: quotes and backslashes are taken away,
 * adjacent pieces are joined, `''` is an empty word.
 *
 * What only a shell can do - pipes, redirections, several commands, `$name`, `$(...)`, backquotes - is refused with an
 * error that says where it is. `* ? [ ~ { } # !` are ordinary characters. `{{ ... }}` is never split.
 *
 * @example
 * import { splitWords } from 'batchx';
 *
 * splitWords(`convert 'my photo.png' -resize 50% {.}.jpg`); // [ 'convert', 'my photo.png', '-resize', '50%', '{.}.jpg' ]
 */
export const splitWords = (text: string): string[] =>
  parseWords(text, true).map((word) =>
    word.map(({ token }) => (token.kind === 'text' ? token.text : token.raw)).join(''),
  );

/** The words of a command line with their placeholders. One after a backslash, as in `\{}`, is text. */
export function parseWords(text: string, templates: boolean): Word[] {
  return new WordLexer(text, templates).words();
}

/** Words that were split already. One with blanks can only have been quoted, and so is every one if it is said. */
export function wordsOf(words: readonly string[], templates: boolean, allQuoted: boolean): Word[] {
  return words.map((word) => {
    const quoted = allQuoted || word === '' || /\s/.test(word);
    const tokens = tokensOf(word, templates);
    return (tokens.length === 0 ? [{ kind: 'text', text: '' } as const] : tokens).map((token) => ({ token, quoted }));
  });
}

const operators: Readonly<Record<string, string>> = {
  '|': 'a pipe',
  '&': 'a command in the background',
  ';': 'the end of a command',
  '<': 'a redirection',
  '>': 'a redirection',
  '(': 'a subshell',
  ')': 'a subshell',
  '\n': 'the end of a command',
  '`': 'the output of a command',
};

const called: Readonly<Record<string, string>> = { '\n': 'a line break', '`': 'a backquote' };

/** What a shell would expand after a `$`. */
const expansion = /\$(?:[A-Za-z_]\w*|[0-9@*#?$!({-])/y;

class WordLexer {
  readonly #text: string;
  readonly #templates: boolean;
  readonly #words: Word[] = [];
  /** The word that has begun; undefined between words. */
  #word: Piece[] | undefined;
  #literal = '';
  #at = 0;

  constructor(text: string, templates: boolean) {
    this.#text = text;
    this.#templates = templates;
  }

  words(): Word[] {
    const text = this.#text;
    while (this.#at < text.length) {
      const char = text[this.#at] as string;
      if (char === ' ' || char === '\t' || (char === '\n' && this.#atAnEnd())) {
        this.#endWord();
        this.#at++;
      } else if (char === "'") this.#single();
      else if (char === '"') this.#double();
      else if (char === '\\') this.#escape();
      else if (char === '{') this.#brace('none');
      else {
        const meaning = operators[char];
        if (meaning !== undefined) this.#refuse(called[char] ?? `\`${char}\``, meaning);
        this.#refuseExpansion();
        this.#take(char);
      }
    }
    this.#endWord();
    return this.#words;
  }

  /** Whether a line break is one that an editor or a block of YAML leaves before or after the command. */
  #atAnEnd(): boolean {
    return (this.#words.length === 0 && this.#word === undefined) || this.#text.slice(this.#at).trim() === '';
  }

  #take(text: string): void {
    this.#word ??= [];
    this.#literal += text;
    this.#at += text.length;
  }

  #flush(quoted: boolean): void {
    if (this.#literal !== '') this.#word?.push({ token: { kind: 'text', text: this.#literal }, quoted });
    this.#literal = '';
  }

  #endWord(): void {
    this.#flush(false);
    if (this.#word !== undefined) this.#words.push(this.#word);
    this.#word = undefined;
  }

  #brace(quoting: Quoting): void {
    const found = placeholderAt(this.#text, this.#at, quoting, this.#templates);
    if (found === undefined) {
      this.#take('{');
      return;
    }
    const quoted = quoting !== 'none';
    this.#flush(quoted);
    (this.#word ??= []).push({ token: found, quoted });
    this.#at += found.raw.length;
  }

  /** Outside quotes; a backslash before a line break joins the lines. */
  #escape(): void {
    const next = this.#text[this.#at + 1];
    if (next === undefined) this.#fault('`\\` at the end has nothing to quote', this.#at);
    this.#at++;
    if (next === '\n') this.#at++;
    else this.#take(next);
  }

  #single(): void {
    const open = this.#begin();
    for (let char = this.#next("'", open); char !== "'"; char = this.#next("'", open)) {
      if (char === '{') this.#brace('single');
      else this.#take(char);
    }
    this.#close();
  }

  #double(): void {
    const open = this.#begin();
    for (let char = this.#next('"', open); char !== '"'; char = this.#next('"', open)) {
      if (char === '{') this.#brace('double');
      else if (char === '\\') this.#escapeInDouble();
      else {
        if (char === '`') this.#refuse('a backquote', operators[char] as string);
        this.#refuseExpansion();
        this.#take(char);
      }
    }
    this.#close();
  }

  /** In double quotes a backslash only quotes what has a meaning there; before a brace it stays, and so does the brace. */
  #escapeInDouble(): void {
    const next = this.#text[this.#at + 1] ?? '';
    if (next === '\n') this.#at += 2;
    else if ('"\\$`'.includes(next) && next !== '') {
      this.#at++;
      this.#take(next);
    } else this.#take(next === '{' ? '\\{' : '\\');
  }

  #begin(): number {
    this.#flush(false);
    this.#word ??= [];
    return this.#at++;
  }

  #next(quote: string, open: number): string {
    const char = this.#text[this.#at];
    if (char === undefined) this.#fault(`\`${quote}\` is opened and not closed`, open);
    return char;
  }

  #close(): void {
    // Nothing in quotes is still a piece, and makes a word.
    if (this.#literal === '') this.#word?.push({ token: { kind: 'text', text: '' }, quoted: true });
    else this.#flush(true);
    this.#at++;
  }

  #refuseExpansion(): void {
    expansion.lastIndex = this.#at;
    const [found] = expansion.exec(this.#text) ?? [];
    if (found === undefined) return;
    const what = found === '$(' ? 'the output of a command' : 'the value of a variable';
    this.#refuse(`\`${found}\``, what);
  }

  #refuse(what: string, meaning: string): never {
    const advice = 'quote it, or have a shell run the command by `shell: true` (--shell)';
    this.#fault(`${what} is ${meaning} to a shell, and no shell is run here: ${advice}`, this.#at);
  }

  #fault(message: string, at: number): never {
    return fault(this.#text, at, message);
  }
}
