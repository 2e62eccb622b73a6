import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { firstValueFrom, type OperatorFunction } from 'rxjs';
import * as z from 'zod';
import type { Argument } from '../core/command/argument.js';
import { type CommandResult, commandResultOf } from '../core/command-result.js';
import { defineSink } from '../core/define.js';
import { Digests } from '../core/digests.js';
import { BatchxError } from '../core/errors.js';
import type { Item } from '../core/item.js';
import type { OutcomeOf } from '../core/outcome.js';
import { unwritten } from '../core/output-error.js';
import { OutputFolder } from '../core/output-folder.js';
import { fileName } from '../core/output-path.js';
import type { Captured } from '../core/process/process.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';
import { wait } from '../core/wait.js';

export const commandFilesOptions = z.strictObject({
  root: z
    .string()
    .min(1, 'expected a path, got empty text')
    .meta({ place: 'output' })
    .describe('The folder to write to; made when it is not there.'),
});

/**
 * Writes what the command of each item wrote into files, laid out as GNU parallel does for `--results`:
 * `ROOT/1/VALUE/stdout`, `stderr` and `seq`, with a further `2/VALUE` for each further value. Emits an outcome for each
 * item once its files are in place.
 *
 * A value is one folder name, whatever is in it: `a/b` is `a%2Fb`. A value that has a name stands below that name instead of
 * its number. Of items with the same values the first that is done has that place, and others have their own number behind
 * it, as in `1/VALUE%#7`. Files that are there before are replaced. When commands that run have all descriptors it waits for
 * some of them to end, up to a minute.
 *
 * @example
 * import { exec, literals, toCommandFiles } from 'batchx';
 *
 * literals(['a', 'b']).pipe(exec('sha256sum {}', { stdout: 'result', spool: true }), toCommandFiles('sums')).subscribe();
 */
export function toCommandFiles<T>(
  root: string,
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<T, OutcomeOf<T>> {
  return sinkOf(commandFilesSink, parseOptions(commandFilesOptions, { root }, 'toCommandFiles'), runtime);
}

export const commandFilesSink = defineSink({
  name: 'command-files',
  main: 'root',
  status: 'stable',
  summary: 'Writes what each command wrote into files of its own.',
  takes: 'settled',
  options: commandFilesOptions,
  examples: [{ title: 'A folder for all', options: { root: 'results' } }],
  open({ root }, runtime) {
    const folder = new OutputFolder({ root, onExists: 'overwrite', durability: 'off' }, runtime);
    const places = new Places();
    return {
      async write(items, refuse) {
        for (const [index, item] of items.entries()) {
          const result = commandResultOf(item);
          if (result === undefined) continue;
          try {
            await keep(item, result, { folder, places }, runtime);
          } catch (error) {
            const failure = BatchxError.from(error, 'output');
            if (failure.class === 'fatal') throw failure;
            refuse(index, failure);
          }
        }
      },
      close: () => folder.close(),
    };
  },
});

interface Root {
  readonly folder: OutputFolder;
  readonly places: Places;
}

/** The folders of the items. 20 to 32 bytes are kept for each, so that none is given twice. */
class Places {
  readonly #taken = new Digests();

  of({ seq }: Item, { values, names }: CommandResult): string {
    const parts = values.flatMap((value, index) => [fileName(names?.[index] || `${index + 1}`), nameOf(value)]);
    const place = join(...parts);
    const owner = this.#taken.get(place);
    if (owner === undefined) this.#taken.set(place, seq);
    // No value has such a name: `fileName` writes digits behind each `%`.
    return owner === undefined || owner === seq ? place : `${place}%#${seq + 1}`;
  }
}

async function keep(item: Item, result: CommandResult, { folder, places }: Root, runtime: Runtime): Promise<void> {
  const place = places.of(item, result);
  const { stdout, stderr } = result.output;
  const files = [
    ['seq', () => [Buffer.from(String(item.seq + 1))]],
    ['stdout', () => blocksOf(stdout)],
    ['stderr', () => blocksOf(stderr)],
  ] as const;
  for (const [name, blocks] of files)
    await whenThereIsRoom(() => keepFile(join(place, name), item, folder, blocks()), runtime);
}

/** How long to wait for commands to end that have all descriptors, and how often; in milliseconds. */
const PAUSE = 100;
const PAUSES = 600;

/** Does what needs a descriptor, as soon as there is one: that there is none is no fault of the item. */
async function whenThereIsRoom(work: () => Promise<void>, { scheduler }: Runtime): Promise<void> {
  for (let pauses = 0; ; pauses++) {
    try {
      await work();
      return;
    } catch (error) {
      if (pauses >= PAUSES || BatchxError.from(error, 'output').class !== 'resource') throw error;
      await firstValueFrom(wait(PAUSE, scheduler));
    }
  }
}

/** A value as a name, `%` for an empty one; each byte of one that is no text as `fileName` writes what cannot be in a name. */
const nameOf = (value: Argument): string =>
  typeof value === 'string' ? fileName(value) || '%' : Array.from(value, byteName).join('');

function byteName(byte: number): string {
  const char = String.fromCharCode(byte);
  return /[\w ,+=@~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

async function keepFile(
  path: string,
  item: Item,
  folder: OutputFolder,
  blocks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = await folder.prepare(path, item);
  if (file === undefined) return;
  try {
    await fill(file.temp, blocks).catch((error: unknown) => Promise.reject(unwritten(file.path, error)));
    await file.commit();
  } finally {
    await file.discard();
  }
}

async function fill(path: string, blocks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    for await (const block of blocks) await handle.writeFile(block);
  } finally {
    await handle.close();
  }
}

const blocksOf = (captured: Captured): Iterable<Uint8Array> | AsyncIterable<Uint8Array> =>
  captured.size === captured.kept.length ? [captured.kept] : captured.blocks();
