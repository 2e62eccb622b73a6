import { spawnSync } from 'node:child_process';
import { it } from 'vitest';
import { temporaryFolder } from '../../contract/temp.js';

const has = (name: string): boolean => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

/** A test that compares with a program. Where that is missing it is skipped, and its name says so. */
export function itNeeds(program: string, name: string, test: () => void | Promise<void>): void {
  if (has(program)) it(name, test);
  else it.skip(`${name} (skipped: there is no ${program} here)`, test);
}

/** The arguments that `p` is called with in a script. */
export function argumentsIn(shell: string, script: string): Buffer[] {
  const define = `p() { for a in "$@"; do printf '%s\\0' "$a"; done; printf '\\0end\\0'; }`;
  const { stdout, stderr, status } = spawnSync(shell, [], { input: `${define}\n${script}\n` });
  if (status !== 0 || stderr.length > 0) throw new Error(`${shell} ended with ${status}: ${stderr.toString()}`);
  return split(stdout);
}

/** What ends with NULs. */
export function split(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0, end = bytes.indexOf(0); end >= 0; from = end + 1, end = bytes.indexOf(0, from)) {
    parts.push(bytes.subarray(from, end));
  }
  return parts;
}

/** Runs GNU parallel as one who has set nothing up for it, and gives what it wrote. */
export function parallel(args: readonly string[], input: string | Uint8Array = ''): string {
  const program = 'parallel';
  const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', SHELL: '/bin/bash', HOME: temporaryFolder() };
  const { stdout, stderr } = spawnSync(program, ['--will-cite', '-k', ...args], { input, env });
  if (stderr.length > 0) throw new Error(stderr.toString());
  return stdout.toString();
}

/** Values that mean something to shells, to templates or to programs. */
export const hostile = [
  '$(touch PWNED)',
  '`touch PWNED`',
  "'; touch PWNED; '",
  '"; touch PWNED; "',
  '\\"$(touch PWNED)',
  '| touch PWNED',
  '&& touch PWNED #',
  '> PWNED',
  '${x:=y} $HOME $1 $@ $$',
  'a[$(touch PWNED)]',
  '* ? [a-z] ~ {a,b}',
  '{} {.} {1} {#} {{ x }} \\{}',
  '-rf',
  '',
  ' ',
  ' a  b ',
  '\t',
  'line\nbreak\n',
  '\n',
  '\r',
  '\\',
  "'",
  '"',
  '!!',
  '#',
  '%s\\n',
  'é ü 日本 😀',
  '\u0001\u001b[31m\u007f',
  '\u202e',
];
