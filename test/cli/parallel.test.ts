import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect } from 'vitest';
import { batchx, type Done, env, folder, itNeeds } from './program.js';

/** A command line that both are given. */
interface Line {
  readonly args: readonly string[];
  readonly stdin?: string;
  /** Where the words for parallel are others: it has a shell between. */
  readonly parallel?: readonly string[];
  /** How the exit code of parallel reads with us: it counts failures. */
  readonly ended?: number;
  /** The exit code of parallel, where it says something else by it. */
  readonly theirs?: number;
}

const line = (...args: string[]): Line => ({ args });

/** Runs GNU parallel, with nothing of the user's settings. */
function parallel(args: readonly string[], stdin = ''): Done {
  const { stdout, stderr, status } = spawnSync('parallel', ['--will-cite', ...args], {
    cwd: folder,
    env: { ...env, SHELL: '/bin/sh', PARALLEL_HOME: join(folder, '.parallel') },
    input: stdin,
  });
  return { stdout: String(stdout), stderr: String(stderr), ended: status ?? -1 };
}

beforeAll(() => {
  mkdirSync(join(folder, '.parallel'), { recursive: true });
  mkdirSync(join(folder, 'sub/deep'), { recursive: true });
  writeFileSync(join(folder, 'letters'), 'a\nb\nc\n');
  writeFileSync(join(folder, 'numbers'), '1\n2\n');
  writeFileSync(join(folder, 'table.tsv'), 'a\t1\nb\t2\n');
  writeFileSync(join(folder, 'named.csv'), 'name,size\nx,10\ny,20\n');
  writeFileSync(join(folder, 'nul'), 'one\0two words\0three\nlines\0');
  for (const name of ['sub/one.txt', 'sub/two.tar.gz', 'sub/deep/three']) writeFileSync(join(folder, name), name);
});

/** Lines whose output is in the order of the values, and the same byte for byte. */
const same: Readonly<Record<string, Line>> = {
  'a value at the end': line('-k', 'echo', ':::', 'a', 'b', 'c'),
  '{}': line('-k', 'echo', '={}=', ':::', 'a', 'b c', 'd  e'),
  'the whole command in one word': line('-k', 'echo {} and {}', ':::', 'a', 'b'),
  '{.}': line('-k', 'echo', '{.}', ':::', 'a.txt', 'dir/b.tar.gz', 'noext', '.hidden', 'dir.d/x'),
  '{/}': line('-k', 'echo', '{/}', ':::', 'a.txt', 'dir/b.tar.gz', '/abs/c'),
  '{//}': line('-k', 'echo', '{//}', ':::', 'a.txt', 'dir/b.tar.gz', '/abs/c', '/root'),
  '{/.}': line('-k', 'echo', '{/.}', ':::', 'a.txt', 'dir/b.tar.gz', '/abs/c'),
  '{#}': line('-k', 'echo', '{#}', '{}', ':::', 'a', 'b', 'c'),
  '{%} with one slot': line('-k', '-j1', 'echo', '{%}', '{}', ':::', 'a', 'b', 'c'),
  'two lists': line('-k', 'echo', '{1}-{2}', ':::', 'a', 'b', ':::', '1', '2', '3'),
  'two lists without placeholders': line('-k', 'echo', ':::', 'a', 'b', ':::', '1', '2'),
  '{} of two lists': line('-k', 'echo', '[{}]', ':::', 'a', 'b', ':::', '1', '2'),
  'three lists': line('-k', 'echo', '{3}{2}{1}', ':::', 'a', 'b', ':::', '1', '2', ':::', 'x', 'y'),
  '{-1} and {-2}': line('-k', 'echo', '{-1}', '{-2}', ':::', 'a', 'b', ':::', '1', '2'),
  '{1.} {2/}': line('-k', 'echo', '{1.}', '{2/}', ':::', 'a.b', 'c.d', ':::', 'x/y', 'z'),
  '{1/.} {1//}': line('-k', 'echo', '{1/.}', '{1//}', ':::', 'p/a.b', 'q/c.d'),
  ':::+': line('-k', 'echo', '{1}{2}', ':::', 'a', 'b', 'c', ':::+', '1', '2', '3'),
  ':::+ after two': line('-k', 'echo', '{1}{2}{3}', ':::', 'a', 'b', ':::', '1', '2', ':::+', 'x', 'y'),
  '--link': line('-k', '--link', 'echo', '{1}{2}', ':::', 'a', 'b', 'c', 'd', ':::', '1', '2'),
  '::::': line('-k', 'echo', '::::', 'letters'),
  ':::: twice': line('-k', 'echo', '{1}{2}', '::::', 'letters', '::::', 'numbers'),
  ':::: with two files': line('-k', 'echo', '{1}{2}', '::::', 'letters', 'numbers'),
  '::::+': line('-k', 'echo', '{1}{2}', '::::', 'letters', '::::+', 'letters'),
  '::: and ::::': line('-k', 'echo', '{1}{2}', ':::', 'x', 'y', '::::', 'numbers'),
  '-a': line('-k', '-a', 'letters', 'echo', '{}!'),
  '-a twice': line('-k', '-a', 'letters', '-a', 'numbers', 'echo', '{2}{1}'),
  'values from standard input': { args: ['-k', 'echo', '{}'], stdin: 'a\nb c\nd' },
  'standard input by name': { args: ['-k', 'echo', '{1}{2}', '::::', '-', '::::', 'numbers'], stdin: 'a\nb\n' },
  '-0': line('-k', '-0', '-a', 'nul', 'echo', '{}'),
  '--colsep': line('-k', '--colsep', '\\t', '-a', 'table.tsv', 'echo', '{2}', '{1}'),
  '-C': line('-k', '-C', ',', 'echo', '{2}', '{1}', ':::', 'a,b', 'c,d'),
  '--header with columns': line('-k', '--header', ':', '--colsep', ',', '-a', 'named.csv', 'echo', '{name}={size}'),
  '--header with lists': line('-k', '--header', ':', 'echo', '{x}{y}', ':::', 'x', 'a', 'b', ':::', 'y', '1', '2'),
  '-N2': line('-k', '-N2', 'echo', '{1}-{2}', ':::', 'a', 'b', 'c', 'd'),
  '-N2 without placeholders': line('-k', '-N2', 'echo', ':::', 'a', 'b', 'c'),
  '--tag': line('-k', '--tag', 'echo', 'x{}', ':::', 'a', 'b'),
  '--tag with two lists': line('-k', '--tag', 'echo', 'x', ':::', 'a', ':::', '1', '2'),
  '--tag of several lines': line('-k', '--tag', 'cat', ':::', 'letters', 'numbers'),
  '--dry-run': line('-k', '--dry-run', 'echo', 'x', '{}', ':::', 'a', 'b'),
  '-j1 keeps the order': line('-j1', 'echo', ':::', 'c', 'b', 'a'),
  '-j 50%': line('-k', '-j', '50%', 'echo', ':::', 'a', 'b'),
  'stdin of a job is empty': { args: ['-k', 'cat', ':::', 'letters'] },
  'no line end': line('-k', 'printf', '%s', ':::', 'a', 'b'),
  'output of more than a pipe holds': line('-k', 'seq', ':::', '20000', '3'),
  'a value that looks like a flag': line('-k', 'echo', 'x', '{}', ':::', '-n', '--help'),
  'quotes and dollars in values': line('-k', 'echo', '{}', ':::', `it's`, '"q"', '$HOME', '`id`', '\\', '*', ';'),
  'braces that are no placeholder': line('-k', 'echo', '{x}', '{', '}', '{}', ':::', 'a'),
  'a failure': { args: ['-k', 'ls', ':::', 'letters', 'nothing', 'numbers'], ended: 1 },
  'two failures': { args: ['-k', '-j1', 'false', ':::', 'a', 'b'], ended: 1 },
  '--halt now,fail=1': {
    args: ['-j1', '-k', '--halt', 'now,fail=1', 'cat', ':::', 'letters', 'none', 'numbers'],
    ended: 3,
  },
  '--halt soon,fail=1': {
    args: ['-j1', '--halt', 'soon,fail=1', 'cat', ':::', 'letters', 'none', 'numbers'],
    ended: 3,
  },
  '--halt soon,fail=2': {
    args: ['-j1', '--halt', 'soon,fail=2', 'cat', ':::', 'none', 'letters', 'no', 'numbers'],
    ended: 3,
  },
  '--halt now,success=1': {
    args: ['-j1', '--halt', 'now,success=1', 'cat', ':::', 'none', 'letters', 'numbers'],
    ended: 0,
  },
  '--halt soon,success=2': {
    args: ['-j1', '--halt', 'soon,success=2', 'cat', ':::', 'letters', 'numbers', 'sub/one.txt'],
    ended: 0,
  },
  '--halt now,done=2': {
    args: ['-j1', '--halt', 'now,done=2', 'cat', ':::', 'letters', 'numbers', 'none'],
    ended: 0,
    theirs: 101,
  },
  '--halt never': { args: ['-j1', '--halt', 'never', 'cat', ':::', 'none', 'letters'], ended: 1 },
  '--timeout': { args: ['-j2', '-k', '--timeout', '0.3', 'sleep', ':::', '0', '9'], ended: 1 },
};

describe('prints what GNU parallel prints', () => {
  for (const [name, { args, stdin, parallel: others = args, ended, theirs: their }] of Object.entries(same)) {
    itNeeds('parallel', name, () => {
      const theirs = parallel(others, stdin);
      const ours = batchx(['exec', ...args], stdin);
      expect(ours.stdout).toBe(theirs.stdout);
      if (ended === undefined) expect([ours.ended, theirs.ended]).toEqual([0, 0]);
      else expect(ours.ended).toBe(ended);
      if (their !== undefined) expect(theirs.ended).toBe(their);
      else expect(theirs.ended === 0).toBe((ended ?? 0) === 0);
    });
  }

  itNeeds('parallel', '--joblog: the same columns', () => {
    const args = (log: string) => ['-j1', '--joblog', log, 'ls', '-d', ':::', 'sub', 'nothing', 'letters'];
    parallel(args('theirs.log'));
    batchx(['exec', ...args('ours.log')]);
    const read = (log: string) =>
      readFileSync(join(folder, log), 'utf8')
        .trim()
        .split('\n')
        .map((row) => row.split('\t'));
    const stable = (row: string[]) => row.filter((_, column) => column !== 2 && column !== 3);
    expect(read('ours.log').map(stable)).toEqual(read('theirs.log').map(stable));
    for (const [started, ran] of read('ours.log')
      .slice(1)
      .map((row) => row.slice(2, 4))) {
      expect(started).toMatch(/^\d{10}\.\d{3}$/);
      expect(ran).toMatch(/^ *\d+\.\d{3}$/);
    }
  });

  itNeeds('parallel', '--timeout 300%: ends the one that is slow', () => {
    const args = ['-j1', '--timeout', '1000%', 'sleep', ':::', '0.05', '0.05', '0.05', '0.05', '0.05', '30'];
    const started = process.hrtime.bigint();
    const theirs = parallel(args);
    const ours = batchx(['exec', ...args]);
    expect([ours.ended, theirs.ended]).toEqual([1, 1]);
    expect(ours.stderr).toContain('took longer than 1000% of the median');
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(30);
  });
});
