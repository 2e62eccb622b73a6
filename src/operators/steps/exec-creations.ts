import { lstat } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import type * as z from 'zod';
import type { OnExists } from '../../core/atomic-file.js';
import type { Argument } from '../../core/command/argument.js';
import { type Command, compileCommand } from '../../core/command/compile-command.js';
import type { Values } from '../../core/command/values.js';
import { splitWords } from '../../core/command/words.js';
import { Arguments } from '../../core/command/arguments.js';
import { CommandError, type CommandResult } from '../../core/command-result.js';
import { BatchxError } from '../../core/errors.js';
import { FileEntry } from '../../core/file-entry.js';
import type { Item } from '../../core/item.js';
import type { ItemOutput } from '../../core/item-output.js';
import { OutputFolder } from '../../core/output-folder.js';
import { type namePart, pathOfValues } from '../../core/output-path.js';
import type { Runtime } from '../../core/runtime.js';
import type { execOptions } from './exec-options.js';

/** The file that a command is making. */
export interface Creation {
  /** Where the command is to write. */
  readonly temp: string;
  /** The arguments with that in the place of a word that says the name that the file is to have. */
  inPlace(argv: readonly Argument[]): readonly Argument[];
  /** Puts the file in its place; throws when the command has not made it as it should be. */
  commit(result: CommandResult): Promise<void>;
  discard(): Promise<void>;
}

/** The files that the commands of one step make. */
export class Creations {
  readonly #creates: string;
  readonly #template: Command;
  readonly #minBytes: number;
  readonly #onExists: OnExists;
  /** How many words of the command name its output by saying the same; none where `{outputPath}` does. */
  readonly #words: number;
  /** What it is not to lead out of, whatever the values are; undefined where it begins with a path. */
  readonly #folder: string | undefined;
  /** The current folder, so that paths are shown as they were written, and all others. */
  readonly #here: OutputFolder;
  readonly #anywhere: OutputFolder;

  constructor(
    creates: string,
    { command: words, shell, minBytes, onExists }: z.output<typeof execOptions>,
    command: Command,
    runtime: Runtime,
  ) {
    this.#words = command.usesOutput || shell ? 0 : wordsOf(words).filter((word) => word === creates).length;
    if (!command.usesOutput && this.#words === 0) {
      throw new BatchxError(
        'usage',
        `exec: expected the command to name the file that it creates, as \`{outputPath}\` or as the word \`${creates}\`: it is given a temporary name for it`,
      );
    }
    expectFile(creates);
    this.#creates = creates;
    this.#folder = folderIn(creates);
    this.#template = compileCommand([creates], { append: false, quoted: true });
    this.#minBytes = minBytes;
    this.#onExists = onExists;
    this.#here = new OutputFolder({ root: '.', onExists }, runtime);
    this.#anywhere = new OutputFolder({ root: '/', onExists }, runtime);
  }

  /** The name that the file of an item is to have: what stands for `{{ name }}` in it is a safe one, as in all paths. */
  pathOf(values: Values, item: Item): string {
    const path = this.#named(values);
    const fault = typeof path === 'string' ? (faultOf(path) ?? this.#leadsOut(path, values, item)) : 'it is not UTF-8';
    if (fault === undefined) return path as string;
    const shown = typeof path === 'string' ? path : Buffer.from(path ?? '').toString();
    throw new BatchxError('path', `cannot write ${JSON.stringify(shown)}: ${fault}, expected the path of a file`, {
      where: shown,
    });
  }

  #named(values: Values): Argument | undefined {
    const { scope } = values;
    if (scope === undefined) return this.#template.render(values)[0];
    let bytes: Argument | undefined;
    const text = pathOfValues(this.#creates, (part) => {
      const safe = (name: string): unknown => named(scope(name), name, part);
      const [path = ''] = this.#template.render({ ...values, scope: safe });
      if (typeof path === 'string') return path;
      bytes = path;
      return '';
    });
    return bytes ?? text;
  }

  /** No value may lead out of the folder that is written before it; without one those that a user has chosen may. */
  #leadsOut(path: string, values: Values, item: Item): string | undefined {
    const here = resolve('.');
    const base = this.#folder ?? (this.#isChosen(values, item) ? undefined : here);
    if (base === undefined || resolve(path).startsWith(base === '/' ? base : `${base}/`)) return undefined;
    const advice =
      this.#folder === undefined ? ` (a folder before the value, as in \`/${this.#creates}\`, would let it)` : '';
    return `it leads out of ${base === here ? 'the folder that the command runs in' : base}${advice}`;
  }

  /** Whether it is an argument, or a file that was found, whose path stands first: data of rows are nobody's choice. */
  #isChosen({ scope }: Values, { data, first }: Item): boolean {
    if (data instanceof Arguments || data instanceof FileEntry) return true;
    const [, name] = /^\{\{-?\s*(path|dir)\b/.exec(this.#creates) ?? [];
    const file = first?.data;
    return name !== undefined && file instanceof FileEntry && scope?.(name) === file[name as 'path' | 'dir'];
  }

  /** Where it is, seen from the current folder where it lies below that. */
  placeOf(values: Values, cwd: string | undefined, item: Item): ItemOutput {
    const path = this.pathOf(values, item);
    const below = relative('.', cwd === undefined ? path : resolve(cwd, path));
    const outside = below === '..' || below.startsWith('../') || isAbsolute(below);
    const onExists = this.#onExists;
    return outside ? { root: '/', path: resolve(below), onExists } : { root: '.', path: below, onExists };
  }

  /** Takes the path of an item for it; `there` when the file is there and stays. */
  async begin(item: Item, values: Values, cwd: string | undefined): Promise<Creation | 'there'> {
    const path = this.pathOf(values, item);
    const { root, path: place } = this.placeOf(values, cwd, item);
    const file = await (root === '/' ? this.#anywhere : this.#here).prepare(place, item);
    if (file === undefined) return 'there';
    return {
      // Absolute: the command may run in another folder.
      temp: file.temp,
      inPlace: (argv) => (this.#words > 0 ? this.#inPlace(argv, this.#asSaid(values), file.temp) : argv),
      commit: async (result) => {
        const made = await lstat(file.temp).catch(() => undefined);
        if (made?.isFile() !== true || made.size < this.#minBytes)
          throw notMade(path, made?.size, this.#minBytes, result);
        await file.commit();
      },
      discard: () => file.discard(),
    };
  }

  /** The path as the command has it that says the same as `creates`. */
  #asSaid(values: Values): Argument {
    return this.#template.render(values)[0] ?? '';
  }

  /** The arguments with the temporary name; when more say the same than should, a file would be made of itself. */
  #inPlace(argv: readonly Argument[], path: Argument, temp: string): readonly Argument[] {
    if (argv.filter((argument) => argument === path).length > this.#words) {
      const shown = String(path);
      throw new BatchxError('path', `cannot write ${shown}: the command is given it as an input, too`, {
        where: shown,
      });
    }
    return argv.map((argument) => (argument === path ? temp : argument));
  }
}

/** Throws for what can be the path of no file, whatever the values are. */
function expectFile(creates: string): void {
  const fault = faultOf(creates);
  if (fault === undefined) return;
  throw new BatchxError(
    'usage',
    `exec: \`creates\`: expected the path of a file, got ${JSON.stringify(creates)}: ${fault}`,
  );
}

function faultOf(path: string): string | undefined {
  if (path === '') return 'it is empty';
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) return 'it holds a line break or another control character';
  return /(^|\/)\.{0,2}$/.test(path) ? 'it names a folder' : undefined;
}

function notMade(path: string, size: number | undefined, least: number, result: CommandResult): CommandError {
  const what = size === undefined ? 'did not make it' : `made ${size} bytes of it, expected at least ${least}`;
  return new CommandError(`the command succeeded, but ${what}: ${path}`, result, { class: 'permanent' });
}

const wordsOf = (command: string | readonly string[]): readonly string[] =>
  typeof command === 'string' ? splitWords(command) : command;

/** A value of an item as a part of the path; bytes that are no text have no other form. */
const named = (value: unknown, name: string, part: typeof namePart): unknown =>
  value instanceof Uint8Array || value === undefined ? value : part(value, name);

/** The folder that a path names before its first value; one that begins with what is a path itself may lead anywhere. */
function folderIn(creates: string): string | undefined {
  const at = creates.indexOf('{');
  const fixed = at < 0 ? creates : creates.slice(0, at);
  const end = fixed.lastIndexOf('/');
  if (end >= 0) return resolve(fixed.slice(0, end + 1));
  return at === 0 && /^\{(?!\{)|^\{\{-?\s*(?:path|dir)\b/.test(creates) ? undefined : resolve('.');
}
