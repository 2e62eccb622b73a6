import { open } from 'node:fs/promises';
import { classOf } from './error-class.js';

/** Syncs folders: those who ask for the same one while it is being synced share the next time. */
export class FolderSync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  /** Done when what was put into the folder before the call is on the disk. */
  sync(folder: string): Promise<void> {
    const joined = this.#next.get(folder);
    if (joined !== undefined) return joined;
    const running = this.#running.get(folder);
    if (running === undefined) return this.#start(folder);
    const go = (): Promise<void> => {
      this.#next.delete(folder);
      return this.#start(folder);
    };
    const next = running.then(go, go);
    this.#next.set(folder, next);
    return next;
  }

  #start(folder: string): Promise<void> {
    const run = syncNow(folder).finally(() => {
      if (this.#running.get(folder) === run) this.#running.delete(folder);
    });
    this.#running.set(folder, run);
    return run;
  }
}

/** Some systems cannot sync a folder, or not one that cannot be read: that is no failure, but a bad disk is. */
async function syncNow(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    if (classOf(error) === 'fatal') throw error;
  }
}
