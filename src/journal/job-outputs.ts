import type { Durability } from './append-file.js';
import type { JournalState, OutputMark } from './load-journal.js';
import { OutputLines } from './output-lines.js';

/** The outputs of a job to which lines are added. */
export class JobOutputs {
  readonly #state: JournalState;
  readonly #durability: Durability;
  readonly #open = new Set<OutputLines>();
  #replaced: OutputMark[] = [];
  /** Those that are not as earlier runs have left them, or are new: they are to be written anew. */
  readonly altered = new Set<string>();

  constructor(state: JournalState, durability: Durability) {
    this.#state = state;
    this.#durability = durability;
  }

  /** Opens an output behind what it has of what is done. */
  async open(path: string): Promise<OutputLines> {
    const mark = this.altered.has(path) ? undefined : this.#state.outputs.get(path);
    const onClose = (): void => void this.#open.delete(output);
    const output: OutputLines = await OutputLines.open(path, mark, onClose, this.#durability);
    this.#open.add(output);
    return output;
  }

  /** What outputs have now is that of whole blocks of items: see `OutputLines`. */
  mark(): void {
    for (const output of this.#open) output.mark();
  }

  /** Takes that an output has been written anew. */
  replaced(mark: OutputMark): void {
    this.#replaced.push(mark);
  }

  /** Takes that an output holds what it should not: no file is as its mark says, and the next run writes it anew. */
  spoil(path: string): void {
    this.#replaced.push([path, 0, 1]);
  }

  /** How much of each output counts now, and of how many it is because they were written anew; asked once for each commit. */
  takeMarks(): { readonly marks: readonly OutputMark[]; readonly replaced: number } {
    const replaced = this.#replaced;
    this.#replaced = [];
    // What is to be written anew at the end is not what it should be before that.
    const open = [...this.#open].flatMap(({ path, marked }) => (this.altered.has(path) ? [] : [marked]));
    return { marks: [...open, ...replaced], replaced: replaced.length };
  }

  async sync(): Promise<void> {
    await Promise.all([...this.#open].map((output) => output.sync()));
  }
}
