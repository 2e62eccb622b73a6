import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { type ByteWriter, unwritable, writeToFile } from '../core/bytes-out.js';
import { lettersOf } from '../core/dead-letter.js';
import { defineSink } from '../core/define.js';
import { BatchxError } from '../core/errors.js';
import { inputAt } from '../core/in-use.js';
import type { Item } from '../core/item.js';
import { expectLetters, isFile } from '../core/letter-file.js';
import type { OutcomeOf } from '../core/outcome.js';
import { exclusively, outputPath, textWriter } from '../core/rows-out.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';

export const failedSinkOptions = z.strictObject({ path: outputPath() });

/**
 * Writes a dead letter for each item that failed or is in doubt, and emits an outcome for every item; of a failed one once its letter
 * is on the disk.
 *
 * A dead letter is a line of JSON with the id, the error and what the source had read, before any step changed it.
 * Every source takes a file of them as its input. One that is in doubt says so (`"outcome":"in-doubt"`) and stays in
 * doubt when it is read, unless `retryInDoubt` follows, as it may have been done. A record that could not be read is kept as text with the format that
 * it has, and only a source of that format reads it again: with another one it fails. Of a batch that failed each item
 * is written; of a part that failed, once, the item it was split from. Stands behind the other sinks, so that what
 * they could not write is written too.
 *
 * The file is there only if something failed: an older one is removed at the start, and a file of anything else than
 * dead letters is refused. When that older one is read by this very run, what fails now is gathered beside it, in
 * `NAME.new`, and takes its place at the end; if the run ends before all was read, it is added to it. Order is kept;
 * what is held is as in `toJsonl`. A file that cannot be written is the error of the Observable.
 *
 * ```
 * source    -a-b--x-c--|       x failed
 * written   ------x-----       a dead letter
 * result    -a-b--x-c--|       outcomes
 * ```
 *
 * @example
 * import { jsonl, mapItems, toFailed, toJsonl } from 'batchx';
 *
 * jsonl<{ url: string }>('urls.jsonl')
 *   .pipe(mapItems(({ url }) => new URL(url).host), toJsonl('hosts.jsonl'), toFailed('failed.jsonl'))
 *   .subscribe();
 */
export function toFailed<T>(path: string, runtime: Runtime = defaultRuntime()): OperatorFunction<T, OutcomeOf<T>> {
  return sinkOf(failedSink, parseOptions(failedSinkOptions, { path }, 'toFailed'), runtime);
}

export const failedSink = defineSink({
  name: 'failed',
  main: 'path',
  status: 'stable',
  summary: 'Writes each item that failed as a dead letter, which can be run again.',
  takes: 'failed',
  // A job keeps letters of its own; those that are asked for are written anew by each run.
  shown: () => true,
  options: failedSinkOptions,
  examples: [{ title: 'A file, only there when something failed', options: { path: 'failed.jsonl' } }],
  async open({ path }, runtime) {
    const seen = new WeakSet<Item>();
    const textOf = (item: Item): string => lettersOf(item, item.error ?? unknownError(), seen);
    if (path === '-') return textWriter(runtime.stdio.output, textOf);
    return exclusively(path, runtime, async () => {
      const file = new LetterFile(path, runtime);
      await file.prepare();
      const writer = textWriter(file, textOf);
      return {
        write: (items, refuse, skip, done) => writer.write(items, refuse, skip, done),
        close: (whole) => file.close(whole),
      };
    });
  },
});

const unknownError = (): BatchxError => new BatchxError('bug', 'no error is known');

/** A file that is made with its first letter. */
class LetterFile implements ByteWriter {
  readonly #path: string;
  readonly #runtime: Runtime;
  /** Where letters are gathered: the file itself, unless that is being read. */
  #gathered: string;
  #file: ByteWriter | undefined;

  constructor(path: string, runtime: Runtime) {
    this.#path = this.#gathered = path;
    this.#runtime = runtime;
  }

  /** Removes what an older run has left. What is not a file, such as a pipe or `/dev/null`, is left alone. */
  async prepare(): Promise<void> {
    if ((await inputAt(this.#path, this.#runtime)) !== undefined) this.#gathered = `${this.#path}.new`;
    for (const path of [this.#path, this.#gathered]) await expectLetters(path);
    if (await isFile(this.#gathered)) await this.#orThrow(rm(this.#gathered));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#file ??= await writeToFile(this.#gathered, this.#runtime.durability);
    await this.#file.write(bytes);
    await this.#file.sync?.();
  }

  async close(whole?: boolean): Promise<void> {
    await this.#file?.close();
    if (this.#gathered === this.#path) return;
    const readAll = whole === true && !this.#runtime.stopping.aborted;
    if (this.#file === undefined) {
      if (readAll) await this.#orThrow(rm(this.#path));
    } else if (readAll) await this.#orThrow(rename(this.#gathered, this.#path));
    else {
      await this.#orThrow(pipeline(createReadStream(this.#gathered), createWriteStream(this.#path, { flags: 'a' })));
      await this.#orThrow(rm(this.#gathered));
    }
  }

  async #orThrow(done: Promise<void>): Promise<void> {
    try {
      await done;
    } catch (error) {
      throw unwritable(this.#path, error);
    }
  }
}
