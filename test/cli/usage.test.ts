import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtin } from '../../src/builtin.js';
import { batchxHere } from './in-process.js';
import { bash, batchx, file, folder, itNeeds } from './program.js';

/** What is found out when a run has been made ready. */
const inRun = new Set([
  'an empty expression',
  'an expression that does not parse',
  'a promise that is waited for',
  'a long expression',
  'a delimiter for no CSV',
  'the same in --stats',
  'the same in --group-by',
  'values and files',
  'a format for values',
  'standard input twice',
  'an empty path',
]);

describe('what is wrong with a command line is said, with what to do, and nothing is started', () => {
  it.each<[string, string[], string[]]>([
    ['no command', [], ['Usage: batchx <command> [flags]']],
    ['an unknown command', ['mpa'], ['no command is called "mpa"; did you mean "map"?']],
    ['nothing like a command', ['wxyz'], ['no command is called "wxyz"; `batchx --help` lists them']],
    ['a flag before the command', ['-q', 'map'], ['expected a command before the flags, got -q']],
    ['no expression', ['map'], ['expected an expression, as in: cat rows.jsonl | batchx map']],
    ['an empty expression', ['map', ''], ['expected an expression, got empty text']],
    [
      'an expression that does not parse',
      ['map', 'data.'],
      ['the expression does not parse: SyntaxError: Unexpected end of input, in "data."'],
    ],
    ['a promise that is waited for', ['map', 'await data'], ['await is only valid', 'async (data) => ...']],
    ['a long expression', ['map', `[${'1,'.repeat(5000)}`], [`in "[${'1,'.repeat(99)}1"...`]],
    ['a file in place of the expression', ['filter', 'in.jsonl'], ['as in: batchx filter data in.jsonl']],
    ['no delimiter', ['map', 'data', '--delimiter', 'ab'], ['--delimiter: expected one character', 'got "ab"']],
    ['a delimiter for no CSV', ['map', 'data', '--delimiter', 'tab'], ['expected --delimiter only with CSV']],
    ['the same in --stats', ['map', 'data', '--stats', 'data['], ['the expression does not parse', 'in "data["']],
    ['the same in --group-by', ['map', 'data', '--group-by', '=>'], ['the expression does not parse']],
    ['an unknown flag', ['map', 'data', '--limt', '3'], ['no flag is called --limt; did you mean --limit?']],
    ['an expression that looks like flags', ['map', '-data.n'], ['no flag is called -d;', 'goes behind --, as in: --']],
    ['a flag without its value', ['map', 'data', '--limit'], ['--limit: expected a value']],
    [
      'a flag in place of a value',
      ['map', 'data', '--failed', '-q'],
      ['--failed: expected a value;', '--failed=VALUE'],
    ],
    ['no number', ['map', 'data', '--limit', 'x'], ['--limit: expected a whole number of at least 0, got "x"']],
    ['no concurrency', ['map', 'data', '-j', '0'], ['-j: expected a number of at least 1, a percentage']],
    ['an unknown format', ['map', 'data', '--in', 'xml'], ['--in: expected one of jsonl, json, csv, lines, got "xml"']],
    [
      'an unknown display',
      ['map', 'data', '--progress=x'],
      ['--progress: expected one of auto, none, plain, tty, json'],
    ],
    ['values and files', ['map', 'data', 'in.jsonl', ':::', 'a'], ['expected either inputs or values behind `:::`']],
    ['a format for values', ['map', 'data', '--in', 'csv', ':::', 'a'], ['expected --in only with inputs']],
    ['standard input twice', ['map', 'data', '-', '-'], ['expected `-` only once']],
    ['an empty path', ['map', 'data', ''], ['expected a path, got empty text']],
    ['several things at once', ['map', 'data', '--x', '--y', '-j0'], ['called --x', 'called --y', '-j: ']],
    [
      'an unknown component',
      ['steps', 'csw'],
      ['no source, step, output, aggregate or key is called "csw"; did you mean "csv"?'],
    ],
    ['too many names', ['steps', 'csv', 'json'], ['expected at most one name, got also json']],
    ['an unknown shell', ['completion', 'fish'], ['expected one of bash, zsh, got fish']],
  ])('%s', async (name, args, messages) => {
    file('in.jsonl', '1\n');
    const { stdout, stderr, ended } = await (inRun.has(name) ? batchx(args, '1\n') : batchxHere(args));
    expect({ stdout, ended }).toEqual({ stdout: '', ended: 2 });
    for (const message of messages) expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });

  it('and neither reads nor writes', () => {
    file('old.jsonl', 'what was there\n');
    const script = 'printf "1\\n2\\n" | { batchx map "data." --failed old.jsonl 2>/dev/null; echo $?; cat; }';
    expect(bash(script).stdout).toBe('2\n1\n2\n');
    expect(readFileSync(join(folder, 'old.jsonl'), 'utf8')).toBe('what was there\n');
    batchx(['map', 'data', '--limit=x', '--failed', 'new.jsonl'], '1\n');
    expect(existsSync(join(folder, 'new.jsonl'))).toBe(false);
  });

  it('names the help of the command', () => {
    expect(batchx(['filter', 'data', '--x']).stderr).toContain(
      '`batchx filter --help` shows examples and every flag\n',
    );
  });
});

describe('help', () => {
  it('lists the commands', async () => {
    const { stdout, ended } = batchx(['--help']);
    expect(ended).toBe(0);
    expect(stdout).toMatchSnapshot();
    expect((await batchxHere(['-h'])).stdout).toBe(stdout);
    expect((await batchxHere(['help'])).stdout).toBe(stdout);
    expect((await batchxHere([])).stderr).toBe(stdout);
  });

  it.each(['map', 'filter', 'http', 'init', 'steps', 'completion'])('of %s has examples first', async (name) => {
    const { stdout, ended } = batchx([name, '--help']);
    expect(ended).toBe(0);
    expect(stdout).toMatchSnapshot();
    expect((await batchxHere(['help', name])).stdout).toBe(stdout);
    expect((await batchxHere([name, 'data', '-h', ':::'])).stdout).toBe(stdout);
  });

  it('has examples that run', () => {
    file('rows.jsonl', '{"id":1,"total":200,"tags":["sale"],"country":"DE","url":"data:,x"}\n');
    file('orders.jsonl', '{"id":1,"total":200,"tags":["sale"],"country":"DE"}\n');
    file('urls.jsonl', '{"url":"data:,x"}\n');
    file('people.csv', 'name\nAnn\n');
    bash('mkdir -p orders; gzip -c orders.jsonl > orders/may.jsonl.gz; gzip -c rows.jsonl > big.jsonl.gz');
    const examples = ['map', 'filter', 'steps'].flatMap((name) =>
      [...batchx([name, '--help']).stdout.matchAll(/^ {2}\$ (.*)$/gm)].map(([, line]) => line as string),
    );
    expect(examples.length).toBeGreaterThan(10);
    for (const line of examples) expect([line, bash(line)]).toMatchObject([line, { stderr: '', ended: 0 }]);
  });

  it('is bold only where that is wanted', () => {
    const bold = '\u001b[1m';
    expect(batchx(['--help'], '', { env: { ...process.env, FORCE_COLOR: '1' } }).stdout).toContain(bold);
    expect(batchx(['--help'], '', { env: { ...process.env, FORCE_COLOR: '1', NO_COLOR: '1' } }).stdout).not.toContain(
      bold,
    );
    expect(batchx(['--help']).stdout).not.toContain(bold);
  });
});

describe('--version', () => {
  it('says which it is', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(batchx(['--version'])).toEqual({ stdout: `batchx ${version}\n`, stderr: '', ended: 0 });
    expect(batchx(['-V']).stdout).toBe(`batchx ${version}\n`);
  });
});

describe('steps', () => {
  it('tells the options of one, of every kind that has the name', () => {
    const { stdout, ended } = batchx(['steps', 'csv']);
    expect(ended).toBe(0);
    expect(stdout).toContain('csv (source)');
    expect(stdout).toContain('csv (sink)');
    expect(stdout).toMatch(/delimiter: .*unless said/);
  });

  itNeeds('jq', 'gives the same as JSON', () => {
    const { stdout } = bash(`batchx steps --json | jq -c '[.forms[] | [.kind, .name, (.schema.type)]] | sort'`);
    const all = builtin.all.map(({ kind, name }) => JSON.stringify([kind, name, 'object']));
    expect((JSON.parse(stdout) as unknown[]).map((each) => JSON.stringify(each)).sort()).toEqual(all.sort());
    expect(bash('batchx steps map --json | jq -r ".[0].options[0].name"').stdout).toBe('expression\n');
  });
});
