import { stat } from 'node:fs/promises';
import { type AtomicFile, prepareFile } from './atomic-file.js';
import { type ByteWriter, unwritable, writeToFile } from './bytes-out.js';
import { BatchxError, systemCode } from './errors.js';
import { realPath } from './in-use.js';
import type { Runtime } from './runtime.js';

/**
 * Writes a file that takes the place of an older one once it is closed, and of which nothing is there before: however the
 * process or the machine ends, the older one or the new one is there as a whole. When it cannot be written the older one
 * stays. A link is followed. What is no file, such as a device, is written to as it is, and so is a file in a folder that
 * takes no other.
 */
export async function writeDocument(path: string, runtime: Runtime): Promise<ByteWriter> {
  const old = await stat(path).catch(() => undefined);
  if (old !== undefined && !old.isFile()) return writeToFile(path, runtime.durability);
  const { temporary, durability } = runtime;
  const options = { onExists: 'overwrite', shown: path, mark: temporary?.mark } as const;
  try {
    const onFolder = (folder: string): void => temporary?.folder(folder);
    const file = await prepareFile(await realPath(path), { ...options, onFolder }, runtime);
    if (file === undefined) throw new BatchxError('bug', `${path} is to be replaced, and was not`);
    // What others may not read is not to be read meanwhile, either; it gets its permissions at the end.
    const output = await writeToFile(file.temp, 'off', { shown: path, mode: old && 0o600 });
    return new Document(path, file, output);
  } catch (error) {
    const { cause } = error as BatchxError;
    if (old !== undefined && ['EACCES', 'EPERM', 'EROFS'].includes(systemCode(cause) ?? ''))
      return writeToFile(path, durability);
    throw unwritable(path, error);
  }
}

class Document implements ByteWriter {
  readonly #path: string;
  readonly #file: AtomicFile;
  readonly #output: ByteWriter;
  #failed = false;

  constructor(path: string, file: AtomicFile, output: ByteWriter) {
    this.#path = path;
    this.#file = file;
    this.#output = output;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      await this.#output.write(bytes);
    } catch (error) {
      // At once: nobody may wait for what is closed behind an error.
      this.#failed = true;
      await this.#discard();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#failed) return;
    try {
      await this.#output.close();
      await this.#file.commit();
    } catch (error) {
      await this.#discard();
      throw new BatchxError('output', unwritable(this.#path, error).message, { where: this.#path, cause: error });
    }
  }

  /** The first error is the one to be told. */
  async #discard(): Promise<void> {
    await this.#output.close().catch(() => undefined);
    await this.#file.discard().catch(() => undefined);
  }
}
