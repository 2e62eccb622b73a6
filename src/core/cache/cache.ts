import { deserialize, serialize } from 'node:v8';
import * as z from 'zod';
import { BatchxError } from '../errors.js';
import { defaultRuntime, type Runtime } from '../runtime.js';
import { holdsSecret } from '../secrets.js';
import { given, oneOf, parseOptions, someTime, toMs } from '../schema.js';
import type { Slot } from '../slot.js';
import { CacheFiles, LARGEST } from './cache-files.js';
import { fingerprint, isPlain } from './plain.js';

export const cacheOptions = z.strictObject({
  dir: z.string().min(1).default('.batchx/cache').describe('The folder that results are kept in, for later runs too.'),
  ttl: someTime().optional().describe('How long a result is good for, as `1h`; for ever unless said.'),
});

export type CacheOptions = z.input<typeof cacheOptions>;

/** The option of an operator by which its results are kept. */
export const cacheOption = () =>
  oneOf('true, false, { dir, ttl }, or a Cache', [
    z.boolean(),
    cacheOptions,
    given<Cache>('a Cache', (value) => value instanceof Cache),
  ])
    .optional()
    .describe('Whether a call is not made again that has been made with the same values, here or in an earlier run.');

/** The cache that such an option asks for. */
export function cacheOf(option: boolean | CacheOptions | Cache | undefined, runtime: Runtime): Cache | undefined {
  if (option === undefined || option === false || option instanceof Cache) return option || undefined;
  return new Cache(option === true ? {} : option, runtime);
}

/** What a call has made: its result, and what of it can be given to equal calls. */
export interface Made<R> {
  readonly result: R;
  /** Undefined when the result is not to be kept. */
  readonly entry: { readonly value: unknown } | undefined;
}

/** What came of a call: what it made itself, or what an equal one had made. */
export type Once<R> = { readonly result: R } | { readonly found: unknown };

/** How a call ended for those that wait for it: with an entry, with a result that is not kept, or with none. */
type Landing = Uint8Array | 'not kept' | 'none';

/**
 * Keeps the results of calls in a folder, by a hash of what the calls are made of: for calls that share it, for later runs,
 * and for other processes, which find what is done and do not wait for what is being made.
 *
 * Only results are kept that are plain data - text, numbers, bytes, times, arrays and objects of them - of at most 64 MB;
 * never failures. Of equal calls of a process at the same time one is made, and the others wait for its result. An entry that is
 * damaged is told as a warning, and made anew. Nothing is removed from the folder: what it holds may be deleted at any time.
 *
 * @example
 * import { Cache, cached, mapConcurrent } from 'batchx';
 * import { defer, of } from 'rxjs';
 *
 * const answers = new Cache({ dir: 'answers', ttl: '1d' });
 * const ask = async (word: string) => word.toUpperCase();
 * of('a', 'b', 'a')
 *   .pipe(mapConcurrent((word) => defer(() => ask(word)).pipe(cached(answers, ['ask', word])), { ordered: true }))
 *   .subscribe((answer) => console.log(answer)); // A, B, A
 */
export class Cache {
  readonly runtime: Runtime;
  readonly #files: CacheFiles;
  readonly #flights = new Map<string, Promise<Landing>>();
  #warned = false;

  constructor(options: CacheOptions = {}, runtime: Runtime = defaultRuntime()) {
    const { dir, ttl } = parseOptions(cacheOptions, options, 'cache');
    this.runtime = runtime;
    this.#files = new CacheFiles(dir, ttl === undefined ? Infinity : toMs(ttl), runtime);
  }

  /** The key of what a call is made of: its hash. Undefined, with one warning, when that is not plain data. */
  keyOf(parts: unknown): string | undefined {
    const key = fingerprint(parts);
    if (key === undefined) this.#warn('some calls are not cached: what they are made of is no plain data');
    return key;
  }

  /**
   * Gives what an equal call has made, or makes the call. With a `slot` a wait for an equal one gives it to others.
   */
  async once<R>(key: string, make: () => Promise<Made<R>>, slot?: Slot): Promise<Once<R>> {
    for (let flight = this.#flights.get(key); flight !== undefined; flight = this.#flights.get(key)) {
      const landing = await this.#behind(flight, slot);
      if (landing === 'not kept') return make();
      if (landing !== 'none') return { found: valueOf(landing) };
    }
    let land: (landing: Landing) => void = () => undefined;
    this.#flights.set(key, new Promise((resolve) => (land = resolve)));
    let landing: Landing = 'none';
    try {
      const kept = await this.#files.get(key);
      const found = kept && valueIn(kept);
      if (kept !== undefined && found !== undefined) {
        landing = kept;
        return { found: found.value };
      }
      const { result, entry } = await make();
      landing = entry === undefined ? 'not kept' : this.#bytesOf(entry.value);
      if (landing instanceof Uint8Array) await this.#put(key, landing);
      return { result };
    } finally {
      this.#flights.delete(key);
      land(landing);
    }
  }

  #bytesOf(value: unknown): Landing {
    const bytes = isPlain(value) ? serialize(value) : undefined;
    const secret = bytes !== undefined && bytes.length <= LARGEST && this.#holdsSecret(bytes);
    if (bytes !== undefined && bytes.length <= LARGEST && !secret) return bytes;
    const large = secret ? 'there is a secret in them' : 'they are larger than 64 MB';
    const why = bytes === undefined ? 'they are no plain data' : large;
    this.#warn(`some results are not cached: ${why}`);
    return 'not kept';
  }

  /** Texts are one byte a character in it, or two. */
  #holdsSecret(bytes: Buffer): boolean {
    const redact = (each: string): string => this.runtime.redact(each);
    const text = bytes.toString('latin1');
    return [text, text.replaceAll('\0', ''), bytes.toString('utf8')].some((each) => holdsSecret(each, redact));
  }

  /** The run waits for it, also when nobody wants the result any more. */
  async #put(key: string, bytes: Uint8Array): Promise<void> {
    const written = this.#files.put(key, bytes);
    this.runtime.cleanup.add(written);
    await written;
  }

  async #behind(flight: Promise<Landing>, slot: Slot | undefined): Promise<Landing> {
    if (slot === undefined) return flight;
    // The one that it waits for may need a slot itself.
    slot.park();
    const landing = await unless(slot.signal, flight);
    await new Promise<void>((go) => slot.unpark(go));
    if (landing === 'none' && this.runtime.stopping.aborted) throw unwanted();
    return landing;
  }

  #warn(message: string): void {
    if (!this.#warned) this.runtime.events.emit('batch:warning', { message });
    this.#warned = true;
  }
}

/** What was kept; undefined when this version of Node cannot read what another one wrote. */
function valueIn(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: valueOf(bytes) };
  } catch {
    return undefined;
  }
}

/** A value of its own for each: bytes in it would be those that all share. */
const valueOf = (bytes: Uint8Array): unknown => deserialize(Buffer.from(bytes));

const unwanted = (): BatchxError => new BatchxError('aborted', 'not wanted any more');

/** What a promise gives, unless the signal fires before. */
function unless<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(unwanted());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    void promise.then(resolve).finally(() => signal.removeEventListener('abort', stop));
  });
}
