import { BatchxError } from '../errors.js';
import type { Argument } from './argument.js';
import { filtered } from './filtered.js';
import { type Rooted, withNames } from './placeholders.js';
import { printableCommand } from './printable-command.js';
import { wordRenderer } from './render-words.js';
import { parseScript } from './shell-parser.js';
import { parseAppended, ShellScript } from './shell-script.js';
import type { Values } from './values.js';
import { parseWords, type Word, wordsOf } from './words.js';

export interface CommandOptions {
  /** Has `/bin/sh` run the command, or the shell of its kind that is named. */
  readonly shell?: boolean | string | undefined;
  /** Whether a command without any placeholder is given the values as its last arguments; it is unless false. */
  readonly append?: boolean | undefined;
  /** Whether `{{ name }}` is a placeholder; it is unless false. */
  readonly templates?: boolean | undefined;
  /** Whether words that are given count as quoted, so that each is one argument also of several values. */
  readonly quoted?: boolean | undefined;
}

/** A command line that is ready to be filled in. */
export interface Command {
  readonly usesValue: boolean;
  readonly usesSeq: boolean;
  readonly usesSlot: boolean;
  readonly usesOutput: boolean;
  /** The names of all `{{ name }}`. */
  readonly templates: readonly string[];
  /** The program and its arguments. What cannot be an argument is an error of class `permanent`. */
  render(values: Values): readonly Argument[];
  /** What `render` gave as one line for people: of a script the script, with the values where they stand. */
  print(values: Values, argv: readonly Argument[]): string;
}

/**
 * Makes exact arguments of a command line and the values of an item; to be made once, and rendered for each item.
 *
 * Text is split as `splitWords` does; words that are given stay as they are. A word of the template is one argument
 * whatever its values hold: none is split, expanded or looked through for placeholders again. The placeholders are
 * those of GNU parallel: `{}`, `{.}`, `{/}`, `{//}`, `{/.}`, `{1}`, `{-1}`, `{2.}`, ..., `{#}`, `{%}` and `{name}`, and
 * `{outputPath}` and `{{ name }}` beside them. Where there is none, `{}` is added at the end. Other braces are text.
 *
 * With `shell` the text is a script, which is given the values as arguments: they are no part of it. In either, U+DC80 to
 * U+DCFF, which alone are no characters, stand for the bytes 80 to FF, so that a command may hold what is not UTF-8.
 *
 * @example
 * import { compileCommand } from 'batchx';
 *
 * const command = compileCommand('convert {} -resize 50% {/.}.jpg');
 * command.render({ args: ['in/my photo.png'], seq: 1, slot: 1 });
 * // [ 'convert', 'in/my photo.png', '-resize', '50%', 'my photo.jpg' ]
 */
export function compileCommand(words: string | readonly string[], options: CommandOptions = {}): Command {
  const text = typeof words === 'string' ? words : words.join(' ');
  if (text.trim() === '') throw new BatchxError('usage', 'expected a command, got none');
  if (text.includes('\0'))
    throw new BatchxError('usage', 'command: it holds a NUL character, which no argument can hold');
  if (/\{=.*?=\}/s.test(text)) {
    throw new BatchxError(
      'usage',
      'command: `{= =}` would be Perl: change the value with a step `map` before this one',
    );
  }
  const [tagged] = /\{%-?\s*(?:if|unless|case|for|assign|capture|else|elsif|when|end[a-z]+)\b/.exec(text) ?? [];
  if (tagged !== undefined && options.templates !== false) {
    throw new BatchxError(
      'usage',
      `command: \`${tagged}\` is a tag, and commands have none: a place is one argument; \`when\` leaves a step out`,
    );
  }
  const { shell = false, append = true, templates = true, quoted = false } = options;
  return shell === false
    ? wordsCommand(typeof words === 'string' ? parseWords(words, templates) : wordsOf(words, templates, quoted), append)
    : shellCommand(text, shell === true ? '/bin/sh' : shell, append, templates);
}

const all: Rooted = { kind: 'value', raw: '{}', position: undefined, part: '' };

function wordsCommand(words: readonly Word[], append: boolean): Command {
  const tokens = words.flat().flatMap(({ token }) => (token.kind === 'text' ? [] : [token]));
  return command(tokens, append, (names, appended) => {
    const filled = appended ? [...words, [{ token: all, quoted: false }]] : words;
    const renderers = filled.map((word) => wordRenderer(word, names));
    return {
      render: (values) => {
        const out: Argument[] = [];
        for (const render of renderers) render(values, out);
        return out;
      },
      print: (_, argv) => printableCommand(argv),
    };
  });
}

function shellCommand(text: string, shell: string, append: boolean, templates: boolean): Command {
  const parsed = parseScript(text, templates);
  const tokens = parsed.refs.map(({ token }) => token);
  // What cannot be appended to is told before anything runs.
  if (append && !tokens.some(({ kind }) => kind !== 'name')) parseAppended(text, templates);
  return command(tokens, append, (names, appended) => {
    return new ShellScript(appended ? parseAppended(text, templates) : parsed, names, shell);
  });
}

/** A command once it is known what the values are called. */
type Prepared = Pick<Command, 'render' | 'print'>;

function command(
  tokens: readonly Rooted[],
  append: boolean,
  prepare: (names: readonly string[] | undefined, appended: boolean) => Prepared,
): Command {
  const has = (kind: Rooted['kind']): boolean => tokens.some((token) => token.kind === kind);
  const appends = (names: readonly string[] | undefined): boolean =>
    append && !tokens.some((token) => withNames(token, names).kind !== 'text');
  // The names of all items of a source are the same as a rule.
  let known: readonly string[] | undefined;
  let prepared: Prepared | undefined;
  const preparedFor = ({ names }: Values): Prepared => {
    if (prepared === undefined || !same(names, known)) {
      prepared = prepare(names, appends(names));
      known = names;
    }
    return prepared;
  };
  return {
    usesValue: has('value') || appends(undefined),
    usesSeq: has('seq'),
    usesSlot: has('slot'),
    usesOutput: has('output'),
    templates: tokens.flatMap((token) =>
      token.kind === 'template' ? (filtered(token.name)?.names ?? [token.name]) : [],
    ),
    render: (values) => preparedFor(values).render(values),
    print: (values, argv) => preparedFor(values).print(values, argv),
  };
}

const same = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
  a === b || (a !== undefined && a.length === b?.length && a.every((name, i) => name === b[i]));
