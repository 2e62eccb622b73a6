import { setMaxListeners } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ProcessEnd } from '../../../src/core/process/process.js';
import { BatchxError } from '../../../src/core/errors.js';
import { turns } from '../../../src/testing/turns.js';
import { temporaryFolder } from '../../contract/temp.js';
import { alive, kept, Lines, run, sh, text } from './running.js';

const linux = process.platform === 'linux';

/** Runs a script until it has told the numbers of so many processes, then ends it: tells who is left, and how long it took. */
async function ended(script: string, count: number): Promise<{ left: number[]; ms: number; error: unknown }> {
  const lines = new Lines(count);
  const stop = new AbortController();
  const running = sh(script, { signal: stop.signal, stdout: { ...kept, onBytes: lines.onBytes } });
  running.catch(() => undefined);
  await lines.there;
  const pids = lines.all.map(Number);
  expect(pids).toHaveLength(count);
  expect(pids.filter(alive)).toEqual(pids);
  const start = performance.now();
  stop.abort();
  const error = await running.then(
    () => 'it ended',
    (error: unknown) => error,
  );
  const ms = performance.now() - start;
  const left = pids.filter(alive);
  for (const pid of left) process.kill(pid, 'SIGKILL');
  return { left, ms, error };
}

describe('a program whose signal fires', () => {
  it('is ended, and nothing of its group is left', async () => {
    const { left, ms, error } = await ended('echo $$; (echo $(exec sh -c "echo \\$PPID"); sleep 100) & sleep 100', 2);
    expect(left).toEqual([]);
    expect(error).toMatchObject({ code: 'aborted', class: 'cancelled' });
    expect(ms).toBeLessThan(200 + SLACK);
  });

  it('may end itself in its own way', async () => {
    const file = join(temporaryFolder(), 'file');
    const { left } = await ended(`trap 'echo bye >${file}; exit' TERM; echo $$; while :; do sleep 0.01; done`, 1);
    expect([left, existsSync(file)]).toEqual([[], true]);
  });

  it('is killed when it ignores to be told', async () => {
    const { left, ms } = await ended(`trap '' TERM; echo $$; while :; do sleep 1; done`, 1);
    expect(left).toEqual([]);
    expect(ms).toBeGreaterThanOrEqual(399);
    expect(ms).toBeLessThan(400 + SLACK);
  });

  it('is told twice before', async () => {
    const file = join(temporaryFolder(), 'file');
    const { left } = await ended(
      `n=0; trap 'n=$((n+1)); echo $n >>${file}; [ $n = 2 ] && exit' TERM; echo $$; while :; do sleep 0.01; done`,
      1,
    );
    expect(left).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe('1\n2\n');
  });

  it('is told when it is stopped, and goes on for that', async () => {
    const file = join(temporaryFolder(), 'file');
    const { left } = await ended(
      `sh -c 'trap "touch ${file}; exit" TERM; echo $$; echo $PPID; kill -STOP $$' & wait`,
      2,
    );
    expect([left, existsSync(file)]).toEqual([[], true]);
  });

  it.runIf(linux)('is ended with what has left its group', async () => {
    const tell = "trap '' TERM; echo $$; while :; do sleep 1; done";
    const { left, ms } = await ended(
      // In a session of its own; in a group of its own; and one whose parent has gone.
      `setsid sh -c "$0" & set -m; sh -c "$0" & (setsid sh -c "$0" &) & echo $$; wait`.replaceAll(
        '$0',
        tell.replaceAll('$', '\\$'),
      ),
      4,
    );
    expect(left).toEqual([]);
    expect(ms).toBeLessThan(400 + SLACK);
  });

  it.runIf(linux)('is ended with a child that has a session of its own and another environment', async () => {
    const { left } = await ended(
      `env -i setsid sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done' & echo $$; wait`,
      2,
    );
    expect(left).toEqual([]);
  });

  it.runIf(linux)('is ended with what it starts while it is ended', async () => {
    const file = join(temporaryFolder(), 'file');
    const { left } = await ended(
      `trap 'setsid sh -c "trap \\"\\" TERM; echo \\$\\$ >${file}; exec sleep 50" & exit' TERM; echo $$; while :; do sleep 0.01; done`,
      1,
    );
    expect(left).toEqual([]);
    const late = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    expect(late > 0 && alive(late)).toBe(false);
  });

  it.runIf(linux)('is ended with what it has left in the background, as long as its output is taken', async () => {
    const stop = new AbortController();
    const lines = new Lines(2);
    const script = `setsid sh -c 'echo $$; touch "$0"; sleep 100' "$1" & until [ -e "$1" ]; do :; done; echo $$`;
    const running = sh(script, {
      args: [join(temporaryFolder(), 'file')],
      signal: stop.signal,
      stdout: {
        ...kept,
        onBytes: (bytes) => {
          lines.onBytes(bytes);
          // Once both have written, what comes is never taken.
          return lines.all.length === 2 ? new Promise(() => undefined) : undefined;
        },
      },
    });
    running.catch(() => undefined);
    await lines.there;
    const [left, program] = lines.all.map(Number) as [number, number];
    while (alive(program)) await turns(1);
    expect(alive(left)).toBe(true);
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect(alive(left)).toBe(false);
  });

  it('has its reason', async () => {
    const late = new BatchxError('timeout', 'it took longer than 1s');
    const stop = new AbortController();
    const running = run(['sleep', '100'], { signal: stop.signal });
    stop.abort(late);
    stop.abort();
    await expect(running).rejects.toBe(late);
  });

  it('tells what it had written by then, and how it ended', async () => {
    const lines = new Lines(1);
    const stop = new AbortController();
    let end: ProcessEnd | undefined;
    const running = sh('trap "echo bye; exit 3" TERM; echo out; echo err >&2; while :; do :; done', {
      signal: stop.signal,
      stderr: { ...kept, onBytes: lines.onBytes },
      onGivenUp: (found) => {
        end = found;
      },
    });
    running.catch(() => undefined);
    await lines.there;
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect(end).toMatchObject({ exitCode: 3, signal: undefined });
    expect([text(end!.stdout), text(end!.stderr)]).toEqual(['out\nbye\n', 'err\n']);
  });

  it('is not started when it has fired before', async () => {
    const file = join(temporaryFolder(), 'file');
    await expect(run(['touch', file], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    const stop = new AbortController();
    // The pipes are made first.
    const running = run(['touch', file], { signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect(existsSync(file)).toBe(false);
  });

  it('has a result when it has ended before', async () => {
    const stop = new AbortController();
    const end = await run(['echo', 'it'], { signal: stop.signal });
    stop.abort();
    await turns(3);
    expect(end.exitCode).toBe(0);
  });

  it('does not hang on what takes its bytes', async () => {
    const stop = new AbortController();
    let taken!: () => void;
    const first = new Promise<void>((resolve) => {
      taken = resolve;
    });
    const onBytes = (): Promise<void> => {
      taken();
      return new Promise(() => undefined);
    };
    const running = run(['yes'], { signal: stop.signal, stdout: { ...kept, onBytes } });
    await first;
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
  });

  it('returns the iterable of its stdin', async () => {
    const stop = new AbortController();
    let asked!: () => void;
    const first = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const silent: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          asked();
          return new Promise(() => undefined);
        },
        return: async () => {
          returned = true;
          return { done: true, value: undefined };
        },
      }),
    };
    let returned = false;
    const running = run(['cat'], { signal: stop.signal, stdin: silent });
    await first;
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    while (!returned) await turns(1);
  });

  it.runIf(linux)('is one of many: all are ended together', async () => {
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const lines = Array.from({ length: 20 }, () => new Lines(1));
    const running = lines.map(({ onBytes }) =>
      sh("trap '' TERM; echo $$; while :; do sleep 1; done", { signal: stop.signal, stdout: { ...kept, onBytes } }),
    );
    await Promise.all(lines.map(({ there }) => there));
    const start = performance.now();
    stop.abort();
    const ends = await Promise.allSettled(running);
    expect(performance.now() - start).toBeLessThan(400 + 2 * SLACK);
    expect(ends.map(({ status }) => status)).toEqual(lines.map(() => 'rejected'));
    expect(lines.map(({ all }) => Number(all[0])).filter(alive)).toEqual([]);
  });

  it.runIf(linux)('leaves alone what others have started', async () => {
    const others = new Lines(1);
    const stop = new AbortController();
    const other = sh('echo $$; exec sleep 100', { signal: stop.signal, stdout: { ...kept, onBytes: others.onBytes } });
    other.catch(() => undefined);
    await others.there;
    await ended('echo $$; sleep 100', 1);
    expect(alive(Number(others.all[0]))).toBe(true);
    stop.abort();
    await expect(other).rejects.toThrow();
    expect(alive(Number(others.all[0]))).toBe(false);
  });
});

/** On a busy machine. */
const SLACK = 600;
