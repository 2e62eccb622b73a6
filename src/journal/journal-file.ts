import { AppendFile, type Durability } from './append-file.js';
import type { DoneRecords } from './done-records.js';
import type { JournalRecord } from './records.js';

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

  /** Adds the records of items that have ended. */
  appendDone(records: DoneRecords): void {
    for (const record of records.take()) this.#add(record);
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
    // What was added meanwhile is not on the disk, and whoever waits for it still has to wait.
    const whole = this.#file.end === size;
    // What stands before this has been on the disk: when it is not whole any more the disk has changed it.
    this.append({ t: 'synced', to: size });
    if (whole) this.#witnessed = this.#file.end;
  }

  /** Goes on in another file, behind the record of this number in it. What was held is written to the older one before. */
  moveTo(fd: number, path: string, last: number): void {
    this.#file.close();
    this.#file = new AppendFile(fd, path, this.#durability);
    this.#n = last;
    this.#witnessed = -1;
  }

  close(): void {
    try {
      this.#file.write();
    } catch {
      // Whoever has waited for more than the last witness was told before.
    }
    this.#file.close();
  }

  #add(json: string): void {
    this.#file.add(`${json},"n":${++this.#n}`);
  }
}
