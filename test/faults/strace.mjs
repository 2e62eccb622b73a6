// What system calls a run makes, and the same with one of them disturbed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The calls that bring something to the disk, or make, name and remove files. */
export const CALLS = [
  ...['write', 'pwrite64', 'writev', 'fsync', 'fdatasync', 'ftruncate'],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'unlink', 'unlinkat', 'openat', 'mkdir'],
];

export const hasStrace = () => spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;

/**
 * The words before a program whose `call` is disturbed when it comes for the `n`-th time; only that to one of `paths`,
 * where they are said. Each thread counts for itself: with one in the pool the calls come in the same order each time.
 */
export function disturbing(log, call, how, n, paths = []) {
  const only = paths.flatMap((path) => ['-P', path]);
  return [...straced(log), ...only, '-e', `trace=${call}`, '-e', `inject=${call}:${how}:when=${n}`];
}

// With --seccomp-bpf it would be quicker, but strace 6.1 then delivers no signals to some threads.
const straced = (log) => ['strace', '-f', '-qq', '-y', '-o', log];

/** The words before a program whose calls are all noted, with what is written. */
export const noting = (log) => [...straced(log), '-s', '1000000', '-e', `trace=${CALLS.join(',')}`];

/** One thread does all work that is not done at once. */
export const oneThread = { UV_THREADPOOL_SIZE: '1' };

/** The line of the call that was disturbed; undefined when none was. */
export const injectedIn = (log) =>
  readFileSync(log, 'utf8')
    .split('\n')
    .find((line) => line.includes('(INJECTED)'));

/**
 * The calls of a trace, each twice: as it begins and as it ends. Each has its name, its path or paths, what it was given as
 * text, and at its end whether it went well.
 */
export function callsIn(log, folder) {
  const open = new Map();
  const calls = [];
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [, pid, text] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (pid === undefined) continue;
    const unfinished = text.endsWith('<unfinished ...>');
    const [, rest] = /^<\.\.\. \w+ resumed>(.*)$/.exec(text) ?? [];
    const begun = unfinished ? text.slice(0, -'<unfinished ...>'.length) : text;
    const whole = rest === undefined ? begun : `${open.get(pid)?.trimEnd() ?? ''}${rest}`;
    const [, name, args] = /^(\w+)\((.*)$/s.exec(whole) ?? [];
    if (name === undefined) continue;
    const call = { name, args, path: pathOf(name, args, folder) };
    if (rest === undefined) calls.push({ ...call, phase: 'begin' });
    if (unfinished) {
      open.set(pid, begun);
      continue;
    }
    open.delete(pid);
    const [, result] = /\) += (-?\d+)[^"]*$/.exec(args) ?? [];
    calls.push({ ...call, phase: 'end', ok: Number(result) >= 0, result: Number(result) });
  }
  return calls;
}

/** What a call is about: the file behind its descriptor, or the names that it is given. */
function pathOf(name, args, folder) {
  const absolute = (path) => (path.startsWith('/') ? path : join(folder, path));
  const [, behind] = /^\d+<([^>]*)>/.exec(args) ?? [];
  if (behind !== undefined) return behind;
  const said = [...args.matchAll(/"([^"]*)"/g)].map(([, path]) => absolute(path));
  return /^(rename|link)/.test(name) ? said : (said[0] ?? '');
}

/** The text that a call was given to write. */
export function textOf({ args }) {
  const [, quoted = ''] = /"((?:[^"\\]|\\.)*)"/s.exec(args) ?? [];
  const escapes = { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' };
  return quoted.replace(/\\([0-7]{1,3}|.)/gs, (_, char) =>
    /^[0-7]/.test(char) ? String.fromCharCode(parseInt(char, 8)) : (escapes[char] ?? char),
  );
}
