import { closeSync, openSync, readSync } from 'node:fs';
import { realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandError, CommandResult } from '../core/command-result.js';
import { unwritable } from '../core/bytes-out.js';
import { BatchxError, type ErrorCode } from '../core/errors.js';
import type { ErrorClass } from '../core/error-class.js';
import { FolderSync } from '../core/folder-sync.js';
import { Item } from '../core/item.js';
import { Outcome } from '../core/outcome.js';
import { writeBlock } from '../core/sink-writer.js';
import type { DurableSink } from './durable-sink.js';
import { FLAG, STATE } from './item-table.js';
import type { Job } from './job.js';
import { OutputLines } from './output-lines.js';
import type { ReadLine } from './results-file.js';

/** How many items are written at once. */
const BLOCK = 512;

/**
 * Writes an output anew, of what is kept of all items: in the order in which they came by in this run, each once. It takes the
 * place of the older one in one step. False when the result of an item is not kept: then nothing is changed.
 */
export async function rebuild(job: Job, sink: DurableSink, path: string, order: string): Promise<boolean> {
  // Of a link it is what it leads to that is replaced; and what is no plain file never is.
  const place = await realpath(path).catch(() => path);
  if ((await stat(place).catch(() => undefined))?.isFile() === false) return false;
  const temp = job.temporary(place);
  const output = await OutputLines.open(temp, undefined, () => undefined, job.durability);
  try {
    const writer = await sink.open(() => Promise.resolve(output));
    for (const entries of blocksOf(order)) {
      const items = entries.map((entry) => itemAt(job, entry));
      if (items.includes(UNKEPT)) {
        await writer.close(false);
        await rm(temp, { force: true });
        return false;
      }
      const block = items.flatMap((item) => (item instanceof Item ? [Outcome.of(item)] : []));
      await writeBlock(writer, block, sink.takes, new Set());
    }
    await writer.close(true);
    job.lock.check();
    await rename(temp, place).catch((error: unknown) => {
      throw unwritable(path, error);
    });
    await new FolderSync().sync(dirname(place));
  } catch (error) {
    await output.close().catch(() => undefined);
    throw error;
  }
  await job.replaced([path, output.size, output.crc]);
  return true;
}

/** What stands for an item whose result is not kept. */
const UNKEPT = 'unkept';

/** The entries of a file of them, some at a time. */
function* blocksOf(path: string): Generator<number[]> {
  const fd = openSync(path, 'r');
  try {
    const block = Buffer.alloc(BLOCK * 4);
    for (let at = 0; ;) {
      const read = readSync(fd, block, 0, block.length, at);
      if (read === 0) return;
      at += read;
      yield Array.from({ length: Math.floor(read / 4) }, (_, i) => block.readUInt32LE(i * 4));
    }
  } finally {
    closeSync(fd);
  }
}

/** An item as it was at its end; undefined when nothing of it is to be written. */
function itemAt({ table, results }: Job, entry: number): Item | typeof UNKEPT | undefined {
  const state = table.state(entry);
  const place = table.place(entry);
  if (place === undefined || !table.has(entry, FLAG.seen)) return undefined;
  if (state === STATE.ok) {
    const line = results.read(place);
    return line.b === 1 ? undefined : (itemOf(line) ?? UNKEPT);
  }
  return state === STATE.failed || state === STATE.inDoubt ? failedItem(results.read(place)) : undefined;
}

/** The item that a line of the results keeps; undefined when its result was not kept. */
export function itemOf(line: ReadLine): Item | undefined {
  if (line.n === 1) return undefined;
  const { id, o, d, t } = line;
  return new Item(0, d, t, undefined, 0, { id, ...(o !== undefined && { outputs: o }) });
}

const failedItem = (line: ReadLine): Item => Item.of<unknown>(undefined, { id: line.id }).fail(errorOf(line));

/** Why an item failed, as a line of the results says it. */
export function errorOf({ e, d }: ReadLine): BatchxError {
  const { code = 'bug', message = 'it failed in an earlier run', class: kind = 'permanent', inDoubt, where } = e ?? {};
  const options = {
    class: kind as ErrorClass,
    ...(inDoubt === true && { inDoubt }),
    ...(where !== undefined && { where }),
  };
  return d instanceof CommandResult
    ? new CommandError(message, d, { ...options, code: code as ErrorCode })
    : new BatchxError(code as ErrorCode, message, options);
}
