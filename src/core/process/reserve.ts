import { closeSync, openSync } from 'node:fs';
import type { Given } from './program.js';

/**
 * Throws when there are too few descriptors for what Node is to make. It would not start the program either, but
 * would for ever keep the ends of the pipes that it has made by then.
 */
export function reserve(stdio: readonly Given[]): void {
  const pipes = stdio.filter((given) => given === 'pipe').length;
  if (pipes === 0) return;
  const fds: number[] = [];
  try {
    // A pair for each, and one by which the system tells whether the program has been started.
    while (fds.length < 2 * pipes + 2) fds.push(openSync('/dev/null', 'r'));
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}
