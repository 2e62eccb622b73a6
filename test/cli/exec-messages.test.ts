import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { batchxHere } from './in-process.js';
import { bash, batchx, file, folder, onLinux } from './program.js';

const exec = (args: readonly string[], stdin = '') => batchx(['exec', ...args], stdin);

/** What is found out when a run has been made ready. */
const inRun = new Set([
  'this folder',
  'a folder',
  'a slash at the end',
  'a dot at the end',
  'a line break',
  'no path',
  'only what to do with it',
  'a variable',
  'a variable in text',
  'no pattern',
  'a field of a value',
  'a field of a line',
  'a field in a path',
  'a column as a field',
  'a field of a file',
]);

describe('what cannot be is refused before anything runs', () => {
  mkdirSync(join(folder, 'there'));
  file('a.csv', 'x\n1\n');
  const creating = ['touch ran {outputPath}', ':::', 'a', 'b'];
  const run = ['touch ran', ':::', 'a', 'b'];

  it.each<[string, string[], string]>([
    ['an empty path', ['--creates', '', ...creating], '--creates: expected a value, got empty text'],
    ['the same in one word', ['--creates=', ...creating], '--creates: expected a value, got empty text'],
    ['an empty value of a letter', ['-C', '', ...run], '-C: expected a value, got empty text'],
    ['no value', ['touch ran', '--creates'], '--creates: expected a value; one that begins with a dash is given as --'],
    ['this folder', ['--creates', '.', ...creating], '--creates: expected the path of a file, got .: it is a folder'],
    ['a folder', ['--creates', 'there', ...creating], '--creates: expected the path of a file, got there: it is a'],
    ['a slash at the end', ['--creates', '{}/', ...creating], '--creates: expected the path of a file, got "{}/": it'],
    ['a dot at the end', ['--creates', '{}/.', ...creating], 'got "{}/.": it names a folder'],
    [
      'a line break',
      ['--creates', '{}\n', ...creating],
      '--creates: expected the path of a file, got "{}\\n": it holds',
    ],
    ['no path', creating, '`{outputPath}` stands for the file that --creates names: expected --creates beside it, got'],
    ['only what to do with it', ['--on-exists', 'skip', ...run], 'expected --on-exists with --creates'],
    ['a variable', ['X=1', 'touch', 'ran', ':::', 'a'], 'expected a program, got X=1: set a variable by --env X=1'],
    ['a variable in text', ['X=1 touch ran', ':::', 'a'], 'expected a program, got X=1: set a variable by --env X=1'],
    ['empty text', [''], "expected a command, got empty text, as in: batchx exec 'gzip -k {}'"],
    ['a blank', [' ', ':::', 'a'], 'expected a command, got empty text'],
    ['only values', [':::', 'a'], 'expected a command, got none'],
    ['only a mark', ['::::'], 'expected the name of a file with values behind `::::`, got none'],
    ['a mark without files', ['touch', 'ran', '::::'], 'with values behind `::::`, got none'],
    ['an empty name', [...run, '::::+', ''], 'behind `::::+`, got empty text'],
    ['an empty name of a list', ['-a', '', 'touch ran'], '-a: expected a value, got empty text'],
    ['no jobs', ['-j0', ...run], '-j: expected a number of at least 1, a percentage such as 50%, or auto, got "0"'],
    ['no number', ['-kj', 'x', ...run], '-j: expected a number'],
    ['no number by name', ['--concurrency=x', ...run], '--concurrency: expected a number'],
    ['no pattern', ['--colsep', '[[:x:]]', ...run], '--colsep: expected a regular expression of JavaScript'],
    [
      'a field of a value',
      ['touch ran {{ x }}', ':::', 'a', 'b'],
      '`{{ x }}` is a field of rows, and plain values have',
    ],
    [
      'a field of a line',
      ['touch ran {{ x }}'],
      '`{{ x }}` is a field of rows, and plain values have none: `{}` is the',
    ],
    ['a field in a path', ['--creates', '{{ x }}', ...creating], '`{{ x }}` is a field of rows'],
    [
      'a column as a field',
      ['--header', ':', 'touch ran {{ x }}', ':::', 'x', 'a'],
      'none: write `{x}` for that column',
    ],
    ['a field of a file', ['touch ran {{ x }}', 'a.csv'], '`{{ x }}` is not known of a file; there are `path`'],
  ])('%s', async (name, args, message) => {
    const done = inRun.has(name) ? exec(args, 'line\n') : batchxHere(['exec', ...args]);
    const { stderr, stdout, ended } = await done;
    expect(stderr).toContain(message);
    expect([stdout, ended]).toEqual(['', 2]);
    expect(readdirSync(folder)).not.toContain('ran');
  });

  it('but not a variable in a script, nor what only one row does not have', () => {
    expect(exec(['--shell', 'X=1; echo "$X" {}', ':::', 'a']).stdout).toBe('1 a\n');
    file('b.jsonl', '{"x":1}\n{"y":2}\n');
    const { stdout, stderr, ended } = exec(['--in', 'jsonl', 'echo {{ x }}', 'b.jsonl']);
    expect([stdout, ended]).toEqual(['1\n', 1]);
    expect(stderr).toContain('b.jsonl:2: command: `x` is not known');
  });

  it('and of a value that gives no path when it is its turn', () => {
    const { stderr, ended } = exec(['-j1', '--creates', '{}', 'touch {outputPath}', ':::', 'a/', '.', '', 'x\ny']);
    expect(ended).toBe(1);
    for (const path of ['"a/": it names a folder', '".": it names a folder', '"": it is empty', '"x\\ny": it holds a'])
      expect(stderr).toContain(`cannot write ${path}`);
    expect(stderr).not.toContain('fileName');
  });

  onLinux('where the folder is gone that it was started in', () => {
    for (const args of ['exec true ::: a', "exec cat '*.txt'", "map data '*.jsonl'", 'map data --failed x']) {
      const { stdout, stderr, ended } = bash(`mkdir gone; cd gone; rmdir ../gone; batchx ${args} </dev/null`);
      expect([args, stdout, ended]).toEqual([args, '', 4]);
      expect(stderr).toBe(
        'batchx: the folder that batchx was started in is gone: go to one that is there, with `cd`\n',
      );
    }
  });
});

describe('results', () => {
  onLinux('that can be kept nowhere end it at once, before anything runs', () => {
    file('a.txt', '');
    for (const [path, why] of [
      ['/proc/no/such', 'no folder can be made there'],
      ['a.txt', 'it is no folder'],
      ['a.txt/b', 'a folder of its path is a file (ENOTDIR)'],
    ] as const) {
      const { stderr, stdout, ended } = exec(['--results', path, 'touch ran', ':::', 'a', 'b']);
      expect([stdout, ended]).toEqual(['', 5]);
      expect(stderr).toBe(`batchx: cannot write to the folder ${path}: ${why}\n`);
    }
    expect(readdirSync(folder)).not.toContain('ran');
  });

  it('of equal values are all kept', () => {
    const done = exec(['-kj1', '--results', 'equal', 'echo {#} {}', ':::', 'a', 'b', 'a']);
    expect(done).toEqual({ stdout: '', stderr: '', ended: 0 });
    const kept = (name: string) => readFileSync(join(folder, 'equal/1', name, 'stdout'), 'utf8');
    expect([kept('a'), kept('b'), kept('a%#3')]).toEqual(['1 a\n', '2 b\n', '3 a\n']);
  });
});

describe('what is told besides', () => {
  it('is which of several patterns matched nothing', () => {
    file('one.in', '1\n');
    mkdirSync(join(folder, 'nothing'));
    expect(exec(['cat', '*.in', '*.none', 'nothing'])).toEqual({
      stdout: '1\n',
      stderr: 'batchx: warning: *.none: no file matches\nbatchx: warning: nothing: no file matches\n',
      ended: 0,
    });
    expect(exec(['-q', 'cat', '*.in', '*.none']).stderr).toBe('');
    expect(exec(['cat', '*.no', '*.none'])).toMatchObject({
      stderr: 'batchx: *.no *.none: no file matches; --allow-empty takes that for all that there is to do\n',
      ended: 4,
    });
  });

  it('begins on a line of its own', () => {
    const script = (to: string) => ['-j1', '--shell', `printf %s {} ${to}; exit 1`, ':::', 'a'];
    expect(exec(script('>&2')).stderr).toMatch(/^a\nbatchx: 1 item read/);
    expect(exec(script('')).stderr).toMatch(/^batchx: a: exit code 1\n/);
    // Where both go to the same place.
    const { stdout } = bash(`batchx exec -j1 --shell 'printf %s {}; exit 1' ::: b > both 2>&1; cat both`);
    expect(stdout).toMatch(/^b\nbatchx: b: exit code 1\n/);
  });

  it('is that an outcome has not all of an output, or that it was no text', () => {
    const long = `yes é | head -c 1500001`;
    const script = `case {} in long) ${long};; bytes) printf 'a\\377';; *) echo {};; esac`;
    const out = openSync(join(folder, 'out.jsonl'), 'w');
    const args = ['exec', '-k', '--out', 'jsonl', '--shell', script, ':::', 'long', 'bytes', 'text'];
    batchx(args, '', { stdio: ['ignore', out, 'ignore'] });
    closeSync(out);
    const results = readFileSync(join(folder, 'out.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { result: Record<string, unknown> }).result);
    const common = ['command', 'exitCode', 'stdout', 'stderr', 'ms'];
    expect(results.map((result) => Object.keys(result).filter((key) => !common.includes(key)))).toEqual([
      ['truncated', 'stdoutBytes'],
      ['stdoutBase64'],
      [],
    ]);
    expect(results[0]).toMatchObject({ truncated: true, stdoutBytes: 1_500_001 });
    expect(results[0]?.['stdout']).not.toContain('\ufffd');
    expect(results[1]).toMatchObject({ stdout: 'a\ufffd', stdoutBase64: 'Yf8=' });
  });
});
