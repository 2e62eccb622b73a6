import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { env, itNeeds, onLinux, program, Running } from '../cli/program.js';

/** Runs parts of `npm run test:faults` in their short form. What they say tells the seed. */
async function faults(...parts: string[]): Promise<void> {
  for (const part of parts) {
    const args = [join(import.meta.dirname, 'main.mjs'), '--short', `--program=${program}`, ...part.split(' ')];
    const { stdout, stderr, ended } = await new Running(process.execPath, args).ended;
    expect(stdout + stderr).not.toContain('FAULT');
    expect(stdout, 'no such part').not.toBe('');
    expect({ ended, stderr }).toEqual({ ended: 0, stderr: '' });
  }
}

const mounts = spawnSync(
  'sh',
  ['-c', 'd=$(mktemp -d) && mount -t tmpfs none $d && umount $d; r=$?; rmdir $d; exit $r'],
  { env },
);

describe('a job whose runs die at any time', () => {
  onLinux(
    'has each result once when all is done, as an undisturbed run has',
    () => faults('kills http', 'kills batch'),
    60_000,
  );

  onLinux('shows all of its results on standard output', () => faults('kills piped'), 60_000);

  itNeeds('strace', 'loses nothing at whichever system call they do', () => faults('crashes http'), 60_000);

  itNeeds('strace', 'has on the disk what it tells of', () => faults('order http', 'order piped'), 60_000);
});

describe('a job whose disk fails', () => {
  itNeeds('strace', 'ends with 5, and goes on when it can', () => faults('errors EIO http'), 60_000);

  it.skipIf(mounts.status !== 0)(
    `ends with 5 when it is full, and goes on when there is room${mounts.status === 0 ? '' : ' (skipped: may not mount)'}`,
    () => faults('full .batchx'),
    60_000,
  );
});

describe('a job whose input changes', () => {
  onLinux('does just what is new and what has changed', () => faults('edits rows', 'edits files'), 60_000);
});
