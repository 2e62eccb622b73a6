/**
 * Does one piece of work for all who wait for it: who comes while it is under way shares the next one. When it fails once
 * it is never tried again, and all who come later are told so.
 */
export class GroupCommit {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failed: { readonly error: unknown } | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Done when a piece of work is that began after the call. */
  commit(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#begin();
    const go = (): Promise<void> => {
      this.#next = undefined;
      return this.#begin();
    };
    this.#next = this.#running.then(go, go);
    return this.#next;
  }

  #begin(): Promise<void> {
    // After a failed sync the system may say of the next that it went well although the pages are gone.

    if (this.#failed !== undefined) return Promise.reject(this.#failed.error);
    const run = this.#work().then(
      () => {
        this.#running = undefined;
      },
      (error: unknown) => {
        this.#running = undefined;
        this.#failed = { error };
        throw error;
      },
    );
    this.#running = run;
    return run;
  }
}
