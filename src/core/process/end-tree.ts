import type { SchedulerLike } from 'rxjs';
import type { Entry, ProcessTable } from './process-table.js';
import { sendSignal } from './send-signal.js';
import { pause, within } from './within.js';

/** The root of a tree of processes: leader of its group, as long as it has not exited. */
export interface Root {
  readonly pid: number;
  /** What its environment says of `BATCHX_RUN`, and that of its descendants. */
  readonly mark: string;
  /** Whether it has exited and been reaped: from then on its number may be that of another process. */
  readonly exited: boolean;
  readonly exit: Promise<unknown>;
}

/** How long the processes have after each signal, in milliseconds. */
const PATIENCE = 200;

/**
 * Ends a program and all that it has started: SIGTERM, again after 200 ms, SIGKILL after 200 more. Done when nothing of
 * it runs any more; or a second after the last, for what not even that ends.
 *
 * Members of its group are reached by the group. Who has left that is found by its parents and by its environment, on
 * Linux; elsewhere it stays.
 */
export async function endTree(root: Root, table: ProcessTable, scheduler: SchedulerLike): Promise<void> {
  const tree = new Tree(root, table);
  for (const signal of ['SIGTERM', 'SIGTERM', 'SIGKILL', 'SIGKILL', 'SIGKILL'] as const) {
    const left = await tree.left();
    if (root.exited && left.length === 0) return;
    signalAll(root, left, signal);
    // One that is stopped takes it only when it goes on.
    if (signal === 'SIGTERM') signalAll(root, left, 'SIGCONT');
    if (await tree.gone(PATIENCE, scheduler)) return;
  }
  await within(root.exit, 2 * PATIENCE, scheduler);
}

function signalAll(root: Root, entries: readonly Entry[], signal: NodeJS.Signals): void {
  const group = root.exited ? undefined : root.pid;
  if (group !== undefined) sendSignal(-group, signal);
  for (const entry of entries) if (entry.group !== group) sendSignal(entry.pid, signal);
}

class Tree {
  readonly #root: Root;
  readonly #table: ProcessTable;
  /** All that were ever seen to belong to it, by their numbers: when they were started. */
  readonly #known = new Map<number, string>();

  constructor(root: Root, table: ProcessTable) {
    this.#root = root;
    this.#table = table;
  }

  /** Those that run, the root among them. */
  async left(): Promise<readonly Entry[]> {
    const { pid, mark } = this.#root;
    const entries = await this.#table.look();
    const { exited } = this.#root;
    const found = entries.filter(
      (entry) =>
        entry.mark === mark ||
        this.#known.get(entry.pid) === entry.start ||
        (!exited && (entry.pid === pid || entry.session === pid)),
    );
    const numbers = new Set(found.map((entry) => entry.pid));
    // Their children are looked for in turn, as they are added while this goes on.
    for (const { pid: parent } of found) {
      const children = entries.filter((entry) => entry.parent === parent && !numbers.has(entry.pid));
      for (const child of children) numbers.add(child.pid);
      found.push(...children);
    }
    for (const entry of found) this.#known.set(entry.pid, entry.start);
    return found;
  }

  /** Whether nothing runs any more within a time. */
  async gone(ms: number, scheduler: SchedulerLike): Promise<boolean> {
    const until = scheduler.now() + ms;
    if (!(await within(this.#root.exit, ms, scheduler))) return false;
    for (let length = 5; ; length *= 2) {
      if ((await this.left()).length === 0) return true;
      const rest = until - scheduler.now();
      if (rest <= 0) return false;
      await pause(Math.min(length, rest), scheduler);
    }
  }
}
