import type { ByteWriter } from '../core/bytes-out.js';
import { BatchxError } from '../core/errors.js';
import type { Outcome } from '../core/outcome.js';
import { isPromiseLike } from '../core/promise.js';
import { openOutput } from '../core/rows-out.js';
import type { Runtime } from '../core/runtime.js';
import type { SinkWriter } from '../core/sink-writer.js';
import type { Times } from './item-times.js';
import { rounded } from './make-report.js';
import { redactedJson } from '../core/redacted.js';
import { round } from './round.js';

/** How much is gathered before it is written, in characters. */
const PIECE = 64 * 1024;

/**
 * Writes a line of JSON for each item of the source, once it is settled: `id`, `status`, the `reason` where it was
 * skipped, the code of its `error`, `ms` in all steps that are timed and in each, and `attempts`. Those that are still
 * pending at the end come last, and only have the first two.
 */
export class ItemRows {
  #text = '';
  #output: ByteWriter | undefined;
  #writer: Promise<SinkWriter | undefined> | undefined;
  #writing: PromiseLike<void> | undefined;
  #error: BatchxError | undefined;
  /** What the items are called that are on their way, by their number. */
  readonly #open = new Map<number, string>();

  readonly #redact: (text: string) => string;

  /** Opens the file when the run begins: by then it is known what else it reads and writes. */
  constructor(path: string, redact: (text: string) => string, runtime: Runtime) {
    this.#redact = redact;
    runtime.events.on('batch:item:start', ({ seq, id }) => void this.#open.set(seq, id));
    runtime.events.on('batch:start', () => {
      this.#writer = openOutput(path, runtime, (output) => {
        this.#output = output;
        return { write: () => undefined, close: () => output.close() };
      }).catch((error: unknown) => this.#failed(error));
    });
  }

  readonly add = (outcome: Outcome, times: Times | undefined): void => {
    if (this.#error !== undefined) return;
    const { id, status, reason, error, item } = outcome;
    this.#open.delete(item.seq);
    const { ms = 0, attempts = 0, steps = {} } = times ?? {};
    const row = { id, status, reason, error: error?.code, ms: round(ms), attempts, steps: rounded(steps) };
    this.#add(row);
  };

  #add(row: object): void {
    this.#text += `${redactedJson(row, this.#redact)}\n`;
    if (this.#text.length >= PIECE) this.#flush();
  }

  /** Writes the rest. Throws when not all could be written. */
  async close(): Promise<void> {
    const writer = await this.#writer;
    for (const id of this.#error === undefined ? this.#open.values() : []) this.#add({ id, status: 'pending' });
    while (this.#error === undefined && (this.#text !== '' || this.#writing !== undefined)) {
      this.#flush();
      await this.#writing;
    }
    try {
      await writer?.close(this.#error === undefined);
    } catch (error) {
      this.#failed(error);
    }
    if (this.#error !== undefined) throw this.#error;
  }

  #flush(): void {
    if (this.#output === undefined || this.#writing !== undefined || this.#text === '') return;
    const bytes = Buffer.from(this.#text);
    this.#text = '';
    try {
      const written = this.#output.write(bytes);
      if (!isPromiseLike<void>(written)) return;
      this.#writing = written.then(
        () => {
          this.#writing = undefined;
          if (this.#text.length >= PIECE) this.#flush();
        },
        (error: unknown) => {
          this.#writing = undefined;
          this.#failed(error);
        },
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): undefined {
    this.#error ??= BatchxError.from(error, 'output');
    this.#text = '';
  }
}
