import { BatchxError } from '../errors.js';
import { type Argument, concatArguments, keptArgument } from './argument.js';
import { type Placeholder, type Quoting, withNames } from './placeholders.js';
import { printableWord } from './printable-command.js';
import type { Node, ParsedScript, Ref } from './shell-nodes.js';
import { parseScript } from './shell-parser.js';
import { indexOf, type Values, valueOf } from './values.js';

/** A script for one number of values, and which of them its arguments are. */
interface Layout {
  readonly script: Argument;
  readonly given: readonly { readonly placeholder: Placeholder; readonly index: number }[];
}

/** How many layouts are kept: one for each number of values that has come. */
const KEPT = 64;

/**
 * A script whose placeholders are references to its arguments, quoted for where they stand: a value is never part of
 * the script, so that no shell reads it.
 */
export class ShellScript {
  readonly #parsed: ParsedScript;
  readonly #names: readonly string[] | undefined;
  readonly #shell: string;
  readonly #layouts = new Map<number, Layout>();

  constructor(parsed: ParsedScript, names: readonly string[] | undefined, shell: string) {
    this.#parsed = parsed;
    this.#names = names;
    this.#shell = shell;
  }

  render(values: Values): Argument[] {
    const count = values.args.length;
    let layout = this.#layouts.get(count);
    if (layout === undefined) {
      if (this.#layouts.size >= KEPT) this.#layouts.clear();
      layout = new LayoutWriter(this.#names, count, this.#parsed.movesArguments).write(this.#parsed.nodes);
      this.#layouts.set(count, layout);
    }
    const argv: Argument[] = [this.#shell, '-c', layout.script, 'sh'];
    for (const { placeholder, index } of layout.given) argv.push(valueOf(placeholder, values, index) ?? '');
    return argv;
  }

  /** The script with its values in place, quoted where they need it: what it does, though it is not what is run. */
  print(values: Values): string {
    return new ScriptPrinter(this.#names, values).print(this.#parsed.nodes);
  }
}

/** A script that ends with a whole command of the shell's grammar, or between two: a value would be run as the next. */
const ended = /[;&|()]$|(?:^|\s)(?:[{}!]|do|done|else|esac|fi|if|then|until|while)$/;

/** A script with `{}` at its end. */
export function parseAppended(text: string, templates: boolean): ParsedScript {
  const script = text.trimEnd();
  const parsed = parseScript(`${script} {}`, templates);
  const inComment = parsed.refs.every(({ token }) => token.kind === 'name');
  if (inComment || ended.test(script)) {
    throw new BatchxError(
      'usage',
      `command: nothing can follow ${JSON.stringify(script)}: write {} where the value belongs`,
    );
  }
  return parsed;
}

/** Writes a script with something in the place of each placeholder. */
abstract class ScriptWriter {
  readonly #names: readonly string[] | undefined;
  readonly #count: number;

  constructor(names: readonly string[] | undefined, count: number) {
    this.#names = names;
    this.#count = count;
  }

  /** What stands for the values at these indexes; `next` is the text behind. */
  protected abstract insert(
    placeholder: Placeholder,
    indexes: readonly number[],
    quoting: Quoting,
    next: string,
  ): string;

  /** `each` is which of the values a word is repeated for; `next` comes behind the nodes. */
  protected all(nodes: readonly Node[], each: number, next: Node = ''): string {
    return nodes.map((node, i) => this.#node(node, each, nodes[i + 1] ?? next)).join('');
  }

  #node(node: Node, each: number, after: Node): string {
    if (typeof node === 'string') return node;
    const next = typeof after === 'string' ? after : '';
    if ('token' in node) return this.#ref(node, each, next);
    return Array.from({ length: this.#count }, (_, i) => this.all(node.word, i, next)).join(' ');
  }

  #ref({ token, quoting, refused }: Ref, each: number, next: string): string {
    const known = withNames(token, this.#names);
    if (known.kind === 'text') return known.text;
    if (refused !== undefined) throw new BatchxError('usage', `command: ${known.raw} cannot be put here: ${refused}`);
    if (known.kind !== 'value') return this.insert(known, [-1], quoting, next);
    if (known.position !== undefined) {
      const index = indexOf(known.position, this.#count);
      return index >= 0 && index < this.#count ? this.insert(known, [index], quoting, next) : '';
    }
    const all = quoting === 'none' ? [each] : Array.from({ length: this.#count }, (_, i) => i);
    return all.length === 0 ? '' : this.insert(known, all, quoting, next);
  }
}

class LayoutWriter extends ScriptWriter {
  readonly #asVariables: boolean;
  readonly #given: { placeholder: Placeholder; index: number }[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(names: readonly string[] | undefined, count: number, asVariables: boolean) {
    super(names, count);
    this.#asVariables = asVariables;
  }

  write(nodes: readonly Node[]): Layout {
    const body = this.all(nodes, -1);
    const script = this.#asVariables ? `${this.#variables()}set --\n${body}` : body;
    // A shell would take a sign at its beginning for options.
    return { script: keptArgument(/^[-+]/.test(script) ? ` ${script}` : script), given: this.#given };
  }

  /** Where the script may change its arguments, they are kept before it begins. */
  #variables(): string {
    return this.#given
      .map((_, i) => `batchx_${i + 1}=\${${i + 1}} `)
      .join('')
      .replace(/ $/, '; ');
  }

  protected insert(placeholder: Placeholder, indexes: readonly number[], quoting: Quoting): string {
    const numbers = indexes.map((index) => this.#numberOf(placeholder, index));
    const short = quoting !== 'double' && numbers.every((number) => number < 10) && !this.#asVariables;
    const text = numbers
      .map((number) => (short ? `$${number}` : `\${${this.#asVariables ? 'batchx_' : ''}${number}}`))
      .join(' ');
    if (quoting === 'double') return text;
    return quoting === 'single' ? `'"${text}"'` : `"${text}"`;
  }

  /** Which argument of the script it is. */
  #numberOf(placeholder: Placeholder, index: number): number {
    const key = `${index} ${placeholder.kind === 'value' ? placeholder.part : placeholder.raw}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#given.push({ placeholder, index });
      this.#numbers.set(key, number);
    }
    return number;
  }
}

class ScriptPrinter extends ScriptWriter {
  readonly #values: Values;

  constructor(names: readonly string[] | undefined, values: Values) {
    super(names, values.args.length);
    this.#values = values;
  }

  print(nodes: readonly Node[]): string {
    return this.all(nodes, -1);
  }

  protected insert(placeholder: Placeholder, indexes: readonly number[], quoting: Quoting, next: string): string {
    const values = indexes.flatMap((index) => [' ', valueOf(placeholder, this.#values, index) ?? '']).slice(1);
    const value = concatArguments(values);
    const word = printableWord(value, true);
    const mark = quoting === 'double' ? '"' : "'";
    // Digits before a redirection would be a descriptor.
    if (quoting === 'none') return /^\d+$/.test(word) && /^[<>]/.test(next) ? `'${word}'` : word;
    return word === value ? word : value === '' ? '' : `${mark}${word}${mark}`;
  }
}
