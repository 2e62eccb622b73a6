import { AppendFile, type Durability } from './append-file.js';
import type { JournalRecord } from './records.js';

export type DoneRecord = Omit<Extract<JournalRecord, { readonly t: 'done' }>, 't'>;

/** A journal that is open at its end. */
export class JournalFile {
  #file: AppendFile;
  readonly #durability: Durability;
  /** The number of the last record. */
  #n: number;
  /** How large it was when a record of what is on the disk was the last in it. */
  #witnessed = -1;

  /** `fd` is open for reading and appending; `last` is the number of the last record in it. */
  constructor(fd: number, path: string, last: number, durability: Durability) {
    this.#file = new AppendFile(fd, path, durability);
    this.#durability = durability;
    this.#n = last;
  }

  /** How much has been written, in bytes. */
  get size(): number {
    return this.#file.size;
  }

  get last(): number {
    return this.#n;
  }

  append(record: JournalRecord): void {
    this.#add(JSON.stringify(record).slice(0, -1));
  }

  /** Adds the record of an item that has ended. Keys and fingerprints are hexadecimal, and need no quoting. */
  appendDone({ k, f, m, as, p, r, w }: DoneRecord): void {
    const times = m === undefined ? '' : `,"m":"${m}"`;
    const files = w === undefined ? '' : ',"w":1';
    this.#add(`{"t":"done","k":"${k}","f":"${f}","as":"${as}","p":${p},"r":${r}${times}${files}`);
  }

  appendStart(keys: readonly string[]): void {
    this.#add(`{"t":"start","k":["${keys.join('","')}"]`);
  }

  write(): void {
    this.#file.write();
  }

  async sync(): Promise<void> {
    if (this.#file.end === this.#witnessed) return;
    const size = await this.#file.sync();
    if (this.#durability === 'off') return;
    // What stands before this has been on the disk: when it is not whole any more the disk has changed it.
    this.append({ t: 'synced', to: size });
    this.#file.write();
    this.#witnessed = this.#file.size;
  }

  /** Goes on in another file, behind the record of this number in it. What was held is written to the older one before. */
  moveTo(fd: number, path: string, last: number): void {
    this.#file.close();
    this.#file = new AppendFile(fd, path, this.#durability);
    this.#n = last;
    this.#witnessed = -1;
  }

  close(): void {
    this.#file.close();
  }

  #add(json: string): void {
    this.#file.add(`${json},"n":${++this.#n}`);
  }
}
