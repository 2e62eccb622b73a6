import { existsSync, linkSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchxError, messageOf, systemCode } from '../core/errors.js';
import { lifeOf, ownLife, type ProcessLife } from './process-life.js';

/** Who has a job. */
export interface Holder extends ProcessLife {
  readonly epoch: number;
  /** When it was taken. */
  readonly at: string;
}

const LOCK = /^lock\.(\d+)$/;

/**
 * The right to work on a job, which one run has at a time. Each run has a number of its own, its epoch, one more than
 * that of the run before.
 *
 * The lock of each epoch is a file of its own, which `link` puts there in one step or not at all: who finds the
 * holder of the newest one gone takes the next number, and of several who do so at once one has it. It is never taken away,
 * so that nobody can take away that of another by mistake; a run that ends marks its own as free.
 */
export class Lock {
  readonly epoch: number;
  readonly #folder: string;

  private constructor(folder: string, epoch: number) {
    this.#folder = folder;
    this.epoch = epoch;
  }

  /** Takes the lock of a job. Throws `locked` when another run has it. `force` takes it from whoever has it. */
  static take(folder: string, at: string, { force = false } = {}): Lock {
    for (;;) {
      const last = newest(folder);
      if (last !== undefined && !force) refuseHeld(folder, last);
      const epoch = (last?.epoch ?? 0) + 1;
      if (!put(folder, { ...ownLife(), epoch, at })) continue;
      // Another one may have come and gone between the look and the link: then its number is the newer one.
      if ((newest(folder)?.epoch ?? epoch) > epoch) {
        free(folder, epoch);
        continue;
      }
      tidy(folder, epoch);
      return new Lock(folder, epoch);
    }
  }

  /** Throws when another run has taken the job over meanwhile. */
  check(): void {
    // Who takes it over removes the older ones.
    if (existsSync(pathOf(this.#folder, this.epoch + 1)) || !existsSync(pathOf(this.#folder, this.epoch)))
      throw existsSync(this.#folder) ? superseded(this.#folder) : gone(this.#folder);
  }

  release(): void {
    free(this.#folder, this.epoch);
  }
}

/** Who has a job now; undefined when nobody does. */
export function holderOf(folder: string): Holder | undefined {
  const last = newest(folder);
  return last?.holder !== undefined && lifeOf(last.holder) !== 'gone' ? last.holder : undefined;
}

interface Newest {
  readonly epoch: number;
  /** Undefined when it is free. */
  readonly holder: Holder | undefined;
}

const pathOf = (folder: string, epoch: number): string => join(folder, `lock.${epoch}`);

function newest(folder: string): Newest | undefined {
  const epochs = readdirSync(folder).flatMap((name) => {
    const epoch = LOCK.exec(name)?.[1];
    return epoch === undefined ? [] : [Number(epoch)];
  });
  if (epochs.length === 0) return undefined;
  const epoch = Math.max(...epochs);
  try {
    const text = readFileSync(pathOf(folder, epoch), 'utf8');
    return { epoch, holder: text === FREE ? undefined : holderIn(text) };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return newest(folder);
    if (error instanceof SyntaxError) return { epoch, holder: undefined }; // the machine died while it was written
    throw error;
  }
}

/** Who a lock says to have the job; undefined when it says nobody, as the machine died while it was written. */
function holderIn(text: string): Holder | undefined {
  const said: unknown = JSON.parse(text);
  const isHolder = typeof said === 'object' && said !== null && 'pid' in said && 'space' in said;
  return isHolder ? (said as Holder) : undefined;
}

/** What is in a lock that nobody has. */
const FREE = 'free\n';

function refuseHeld(folder: string, { holder }: Newest): void {
  if (holder === undefined) return;
  const life = lifeOf(holder);
  if (life === 'gone') return;
  const since = `since ${holder.at}`;
  const who =
    life === 'alive' ? `process ${holder.pid}` : `process ${holder.pid} on ${holder.space.split(' ')[0] ?? ''}`;
  const more =
    life === 'alive'
      ? 'wait for it, or end it; --job NAME keeps another job, --no-journal none'
      : 'it cannot be seen from here whether it still runs; when you know that it does not, --break-lock takes it over';
  throw new BatchxError('locked', `the job ${folder} is being run by ${who} ${since}: ${more}`, { where: folder });
}

/** Makes the names of temporary files of this process differ. */
let tries = 0;

function put(folder: string, holder: Holder): boolean {
  const temp = join(folder, `.lock-${holder.pid}-${holder.start}-${++tries}`);
  try {
    writeFileSync(temp, JSON.stringify(holder), { flag: 'wx', flush: true });
    linkSync(temp, pathOf(folder, holder.epoch));
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw new BatchxError('output', `cannot take the lock of the job ${folder}: ${messageOf(error)}`, { cause: error });
  } finally {
    remove(temp);
  }
}

/** A free lock keeps its number, so that the next run has another one. */
function free(folder: string, epoch: number): void {
  const temp = join(folder, `.free-${ownLife().pid}-${epoch}`);
  try {
    writeFileSync(temp, FREE);
    renameSync(temp, pathOf(folder, epoch));
  } catch {
    // The end of the process frees it too.
    remove(temp);
  }
}

/** Removes the locks of runs before this one, and what those have left that died while they took or freed theirs. */
function tidy(folder: string, epoch: number): void {
  for (const name of readdirSync(folder)) {
    const of = LOCK.exec(name)?.[1] ?? FREEING.exec(name)?.[1];
    if (of === undefined ? isLeft(name) : Number(of) < epoch) remove(join(folder, name));
  }
}

/** The names of locks that are being freed, and of those that are being taken. */
const FREEING = /^\.free-\d+-(\d+)$/;
const TAKING = /^\.lock-(\d+)-(\d*)-\d+$/;

function isLeft(name: string): boolean {
  const [, pid, start = ''] = TAKING.exec(name) ?? [];
  return pid !== undefined && lifeOf({ ...ownLife(), pid: Number(pid), start }) === 'gone';
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Another run has done so, or it was never there.
  }
}

const gone = (folder: string): BatchxError =>
  new BatchxError('output', `the folder of the job is gone: ${folder} was removed or renamed while the run went on`, {
    where: folder,
  });

const superseded = (folder: string): BatchxError =>
  new BatchxError(
    'locked',
    `another run has taken over the job ${folder} while this one stood still; it does nothing more`,
    {
      where: folder,
    },
  );
