import type { Job } from './job.js';

/** Jobs in the order in which they came. Each carries its own links, as a set would cost more than the rest of a call. */
export class JobList<R> {
  first: Job<R> | undefined = undefined;
  #last: Job<R> | undefined = undefined;

  /** Does nothing when it is there already. */
  add(job: Job<R>): void {
    if (job.listed) return;
    job.listed = true;
    job.before = this.#last;
    if (this.#last === undefined) this.first = job;
    else this.#last.after = job;
    this.#last = job;
  }

  /** Does nothing when it is not there. */
  remove(job: Job<R>): void {
    if (!job.listed) return;
    const { before, after } = job;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    job.listed = false;
    job.before = job.after = undefined;
  }
}
