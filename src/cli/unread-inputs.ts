import type { Events } from '../core/events.js';
import type { Item } from '../core/item.js';
import type { Outcome } from '../core/outcome.js';

/** Watches for inputs of which no record could be read: most often they are something else than they were taken for. */
export class UnreadInputs {
  /** The first failed item of each input that has failed ones. */
  readonly #failed = new Map<string, Item>();
  readonly #read = new Set<string>();
  /** Most items come from the same input as the one before. */
  #last: string | undefined;

  constructor(events: Events) {
    events.on('batch:item:end', (outcome) => {
      this.#settled(outcome);
    });
  }

  /** What may help with the first of them, if it is known. */
  get hint(): string | undefined {
    for (const [source, item] of this.#failed) {
      if (this.#read.has(source)) continue;
      const hint = hintFor(source, item);
      if (hint !== undefined) return hint;
    }
    return undefined;
  }

  #settled({ item }: Outcome): void {
    const source = item.place?.source;
    if (source === undefined) return;
    if (item.error?.code === 'parse') {
      if (!this.#failed.has(source)) this.#failed.set(source, item);
    } else if (source !== this.#last) {
      this.#last = source;
      this.#read.add(source);
    }
  }
}

function hintFor(source: string, { error, extra: { bytes } }: Item): string | undefined {
  if (bytes?.[0] === 0x1f && bytes[1] === 0x8b) {
    return `${source} is packed with gzip: unpack it before, with \`gunzip -c\`, or give it as a file named .gz`;
  }
  if (error?.message.startsWith('not JSON') !== true) return undefined;
  return `no row of ${source} is JSON: --in json reads a document of several lines, --in csv and --in lines other text`;
}
