import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Done, env, folder, itNeeds, Running, start } from './program.js';

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

mkdirSync(join(folder, '.parallel'), { recursive: true });
mkdirSync(join(folder, 'sub/deep'), { recursive: true });
writeFileSync(join(folder, 'letters'), 'a\nb\nc\n');
writeFileSync(join(folder, 'numbers'), '1\n2\n');
writeFileSync(join(folder, 'table.tsv'), 'a\t1\nb\t2\n');
writeFileSync(join(folder, 'named.csv'), 'name,size\nx,10\ny,20\n');
writeFileSync(join(folder, 'nul'), 'one\0two words\0three\nlines\0');
writeFileSync(join(folder, 'gaps'), 'a\n\nb\n');
for (const name of ['sub/one.txt', 'sub/two.tar.gz', 'sub/deep/three']) writeFileSync(join(folder, name), name);

/** Runs GNU parallel, with nothing of the user's settings. */
function parallel(args: readonly string[], stdin = ''): Promise<Done> {
  const own = { ...env, SHELL: '/bin/sh', PARALLEL_HOME: join(folder, '.parallel') };
  return ended(new Running('parallel', ['--will-cite', ...args], { env: own }), stdin);
}

const batchx = (args: readonly string[], stdin = ''): Promise<Done> => ended(start(['exec', ...args]), stdin);

function ended(running: Running, stdin: string): Promise<Done> {
  running.process.stdin?.end(stdin);
  return running.ended;
}

/** How many lines are run at the same time: each starts many programs. */
const AT_ONCE = 3;
const turns = Array.from({ length: AT_ONCE }, () => Promise.resolve());
let next = 0;

/** What both do with a line, when its turn comes: all lines are begun before the first test. */
function both({ args, stdin, parallel: others = args }: Line): Promise<[theirs: Done, ours: Done]> {
  const at = next++ % AT_ONCE;
  const done = (turns[at] as Promise<void>).then(() => Promise.all([parallel(others, stdin), batchx(args, stdin)]));
  turns[at] = done.then(
    () => undefined,
    () => undefined,
  );
  return done;
}

/** Lines whose output is in the order of the values, and the same byte for byte. */
const same: Readonly<Record<string, Line>> = {
  'a value at the end': line('-k', 'echo', ':::', 'a', 'b', 'c'),
  'what stands for parts of a value': line(
    '-k',
    'echo',
    '={}=',
    '{.}',
    '{/}',
    '{//}',
    '{/.}',
    '{#}',
    ':::',
    ...['a', 'b c', 'd  e', 'a.txt', 'dir/b.tar.gz', 'noext', '.hidden', 'dir.d/x', '/abs/c', '/root'],
  ),
  'the whole command in one word': line('-k', 'echo {} and {}', ':::', 'a', 'b'),
  '{%} with one slot': line('-k', '-j1', 'echo', '{%}', '{}', ':::', 'a', 'b', 'c'),
  'two lists': line('-k', 'echo', '{1}-{2}', ':::', 'a', 'b', ':::', '1', '2', '3'),
  'two lists without placeholders': line('-k', 'echo', ':::', 'a', 'b', ':::', '1', '2'),
  '{} of two lists': line('-k', 'echo', '{}', ':::', 'a', 'b', ':::', '1', '2'),
  'three lists, by number from both ends and in parts': line(
    ...['-k', 'echo', '{3}{2}{1}', '{-1}', '{-2}', '{1.}', '{2/}', '{3/.}', '{1//}'],
    ...[':::', 'a.b', 'p/c.d', ':::', 'x/y', 'z', ':::', 'q/u.v', 'w'],
  ),
  ':::+ after two': line('-k', 'echo', '{1}{2}{3}', ':::', 'a', 'b', ':::', '1', '2', ':::+', 'x', 'y'),
  '--link': line('-k', '--link', 'echo', '{1}{2}', ':::', 'a', 'b', 'c', 'd', ':::', '1', '2'),
  ':::: with several files, twice, and :::': line(
    ...['-k', 'echo', '{1}{2}{3}{4}', ':::', 'x', 'y', '::::', 'numbers', 'letters', '::::', 'numbers'],
  ),
  '::::+': line('-k', 'echo', '{1}{2}', '::::', 'letters', '::::+', 'letters'),
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
  '--tag with two lists': line('-k', '--tag', 'echo', 'x', ':::', 'a', ':::', '1', '2'),
  '--tag of several lines': line('-k', '--tag', 'cat', ':::', 'letters', 'numbers'),
  '--dry-run': line('-k', '--dry-run', 'echo', 'x', '{}', ':::', 'a', 'b'),
  '-j1 keeps the order': line('-j1', 'echo', ':::', 'c', 'b', 'a'),
  '-j 50%': line('-k', '-j', '50%', 'echo', ':::', 'a', 'b'),
  'stdin of a job is empty': { args: ['-k', 'cat', ':::', 'letters'] },
  'no line end': line('-k', 'printf', '%s', ':::', 'a', 'b'),
  'output of more than a pipe holds': line('-k', 'seq', ':::', '20000', '3'),
  'values that look like flags, quotes and dollars in values': line(
    ...['-k', 'echo', 'x', '{}', ':::', '-n', '--help', `it's`, '"q"', '$HOME', '`id`', '\\', '*', ';'],
  ),
  'braces that are no placeholder': line('-k', 'echo', '{x}', '{', '}', '{}', ':::', 'a'),
  'a failure': { args: ['-k', 'ls', ':::', 'letters', 'nothing', 'numbers'], ended: 1 },
  '--halt now,fail=1': {
    args: ['-j1', '-k', '--halt', 'now,fail=1', 'cat', ':::', 'letters', 'none', 'numbers'],
    ended: 3,
  },
  '--halt soon,fail=1': {
    args: ['-j1', '--halt', 'soon,fail=1', 'cat', ':::', 'numbers', 'none', 'letters'],
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
  '--timeout': { args: ['-j2', '-k', '--timeout', '1', 'sleep', ':::', '0', '9'], ended: 1 },
};

describe('prints what GNU parallel prints', () => {
  for (const [name, line] of Object.entries(same)) {
    const done = both(line);
    itNeeds('parallel', name, async () => {
      const { ended: code, theirs: their } = line;
      const [theirs, ours] = await done;
      expect(ours.stdout).toBe(theirs.stdout);
      if (code === undefined) expect([ours.ended, theirs.ended]).toEqual([0, 0]);
      else expect(ours.ended).toBe(code);
      if (their !== undefined) expect(theirs.ended).toBe(their);
      else expect(theirs.ended === 0).toBe((code ?? 0) === 0);
    });
  }

  itNeeds('parallel', '--joblog: the same columns', async () => {
    const args = (log: string) => ['-j1', '--joblog', log, 'ls', '-d', ':::', 'sub', 'nothing', 'letters'];
    await both({ args: args('ours.log'), parallel: args('theirs.log') });
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

  itNeeds('parallel', '--joblog of what took too long, and of what was killed', async () => {
    const args = (log: string, shell: string[]) => ['-j2', '--timeout', '0.5', '--joblog', log, ...shell, ':::', '9'];
    const kill = 'echo x; test {} = 9 && sleep 9; kill -9 $$';
    await both({ args: args('our.late', ['--shell', kill]), parallel: args('their.late', [kill]) });
    const read = (log: string) => readFileSync(join(folder, log), 'utf8').trim().split('\n')[1]?.split('\t').slice(5);
    expect(read('our.late')).toEqual(read('their.late'));
    expect(read('our.late')?.slice(0, 3)).toEqual(['2', '-1', '15']);
  });

  itNeeds('parallel', '--results: the same files, and nothing shown', async () => {
    const args = (root: string) => [
      '--results',
      root,
      '--header',
      ':',
      'ls',
      '{x}',
      ':::',
      'x',
      'sub',
      'none',
      ':::',
      '2',
      'v',
    ];
    const [theirs, ours] = await both({ args: args('our.results'), parallel: args('their.results') });
    expect([theirs.stdout, ours.stdout]).toEqual(['', '']);
    const tree = (root: string) =>
      readdirSync(join(folder, root), { recursive: true, encoding: 'utf8' })
        .filter((path) => statSync(join(folder, root, path)).isFile())
        .toSorted()
        .map((path) => [path, readFileSync(join(folder, root, path), 'utf8')]);
    expect(tree('our.results')).toEqual(tree('their.results'));
    expect(tree('our.results')).toHaveLength(6);
  });

  itNeeds('parallel', '--timeout 1000%: ends the one that is slow', async () => {
    const args = ['-j1', '--timeout', '1000%', 'sleep', ':::', '0.05', '0.05', '0.05', '0.05', '0.05', '30'];
    const started = process.hrtime.bigint();
    const [theirs, ours] = await both({ args });
    expect([ours.ended, theirs.ended]).toEqual([1, 1]);
    expect(ours.stderr).toContain('took longer than 1000% of the median');
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(30);
  });
});

/** Lines by which the two differ, as docs/coming-from-parallel.md says: what they print, and what we do. */
const different: Readonly<Record<string, Line & { readonly stdout: readonly [theirs: string, ours: string] }>> = {
  'a word around {} of two lists': {
    args: ['-k', 'echo', '[{}]', ':::', 'a', ':::', '1', '2'],
    stdout: ['[a 1]\n[a 2]\n', '[a] [1]\n[a] [2]\n'],
  },
  'words that are given separately': {
    args: ['-k', 'echo', 'a  b', '{}', ':::', 'x'],
    stdout: ['a b x\n', 'a  b x\n'],
  },
  'a variable of the shell': { args: ['echo', '$((1+1))', ':::', 'x'], stdout: ['2 x\n', '$((1+1)) x\n'] },
  'a backslash before braces': { args: ['echo \\{} {}', ':::', 'x'], stdout: ['x x\n', '{} x\n'] },
  '{/} of a folder': { args: ['echo', '{/}.', ':::', 'dir/'], stdout: ['.\n', 'dir.\n'] },
  'a line break in a value': {
    args: ['-k', 'echo', 'v', ':::', 'a\nb'],
    stdout: ['v a\nv b\n', 'v a\nb\n'],
  },
  'an empty line of a file': { args: ['-k', 'echo', 'v', '::::', 'gaps'], stdout: ['v a\nv \nv b\n', 'v a\nv b\n'] },
  'an empty list beside another': {
    args: ['echo', 'x{1}{2}', ':::', 'a', ':::'],
    ended: 4,
    stdout: ['xa\n', ''],
  },
  'how many tries': {
    args: [
      '--retries',
      '1',
      '--shell',
      'echo x >> tries.ours; test $(wc -l < tries.ours) = 2 && cat tries.ours && : {}',
      ':::',
      'v',
    ],
    parallel: [
      '--retries',
      '2',
      'echo x >> tries.theirs; test $(wc -l < tries.theirs) = 2 && cat tries.theirs && : {}',
      ':::',
      'v',
    ],
    stdout: ['x\nx\n', 'x\nx\n'],
  },
  'the exit code': { args: ['false', ':::', 'a', 'b', 'c'], ended: 1, theirs: 3, stdout: ['', ''] },
};

describe('differs from GNU parallel where its page says so', () => {
  for (const [name, line] of Object.entries(different)) {
    const done = both(line);
    itNeeds('parallel', name, async () => {
      const [theirs, ours] = await done;
      expect([theirs.stdout, ours.stdout]).toEqual(line.stdout);
      expect([theirs.ended, ours.ended]).toEqual([line.theirs ?? 0, line.ended ?? 0]);
    });
  }
});
