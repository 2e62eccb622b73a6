import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), 'batchx-examples-'));
const packages = join(root, 'examples/data/packages.jsonl');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(temporary, 'run-'));
});
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const file = (name: string): string => join(folder, name);
const linesOf = (name: string): string[] => readFileSync(file(name), 'utf8').split('\n').slice(0, -1);

/** Runs an example as `npm run example` does, in a folder of its own. */
function run(...args: string[]): string[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts/example.mjs'), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').slice(0, -1);
}

it('the README tells of every program', () => {
  const readme = readFileSync(join(root, 'examples/README.md'), 'utf8');
  for (const program of readdirSync(join(root, 'examples/code'))) {
    expect(readme).toContain(`(code/${program})`);
    expect(readme).toContain(`npm run example -- ${basename(program, '.ts')}`);
  }
});

it('an unknown program is refused, with the names of those there are', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/example.mjs'), 'nothing'], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: 'example: expected one of custom, enrich, licences, prices, sizes, got nothing\n',
  });
});

describe('licences', () => {
  it('writes the table and the summary of the real rows', () => {
    const printed = run('licences', packages, file('table.csv'));
    const rows = readFileSync(packages, 'utf8')
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row));
    const large = rows.filter(({ bytes }) => bytes > 100_000);
    const table = linesOf('table.csv');
    expect(table[0]).toBe('name,license,dependencies,kilobytes');
    expect(table.slice(1)).toEqual(
      large.map((row) => [row.name, row.license, row.dependencies.length, Math.round(row.bytes / 1024)].join(',')),
    );
    expect(printed[0]).toMatch(new RegExp(`^${large.length} packages of more than 100 KB, \\d+ KB in all`));
    expect(printed).toContain(`${String(large.filter(({ license }) => license === 'MIT').length).padStart(5)} MIT`);
    expect(printed.at(-1)).toBe(`the table is in ${file('table.csv')}`);
  });

  it('leaves out rows that do not fit, and fills in what may be missing', () => {
    const rows = [
      { name: 'a', dependencies: [], bytes: 204_800 },
      { name: 'b', license: 'MIT', dependencies: ['a'], bytes: 'many' },
    ];
    writeFileSync(file('rows.jsonl'), rows.map((row) => JSON.stringify(row) + '\n').join(''));
    const printed = run('licences', 'rows.jsonl', 'table.csv');
    expect(linesOf('table.csv').slice(1)).toEqual(['a,unknown,0,200']);
    expect(printed.slice(0, 2)).toEqual([
      '1 packages of more than 100 KB, 200 KB in all, half of them up to 200 KB',
      '    1 unknown',
    ]);
  });
});

describe('enrich', () => {
  it('asks for each row, and again for those that failed', () => {
    const printed = run('enrich', packages, file('answers.jsonl'));
    expect(printed).toEqual([
      'first pass: { ok: 286, failed: 28 }',
      'second pass: { ok: 28 }',
      `the answers are in ${file('answers.jsonl')} and ${file('answers.jsonl')}.rest`,
    ]);
    const answers = [...linesOf('answers.jsonl'), ...linesOf('answers.jsonl.rest')].map((line) => JSON.parse(line));
    const names = readFileSync(packages, 'utf8')
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row).name);
    expect(answers.map(({ name }) => name).sort()).toEqual(names.sort());
    for (const { name, letters } of answers) expect(letters).toBe(name.length);
    expect(readdirSync(folder)).not.toContain('answers.jsonl.failed');
  });

  it('keeps the order of the rows', () => {
    run('enrich', packages, file('answers.jsonl'));
    const names = readFileSync(packages, 'utf8')
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row).name as string);
    const answered = linesOf('answers.jsonl').map((line) => JSON.parse(line).name as string);
    let at = 0;
    for (const name of answered) {
      at = names.indexOf(name, at) + 1;
      expect(at).toBeGreaterThan(0);
    }
  });
});

describe('prices', () => {
  it('gets every price through, past a limit and an outage', () => {
    const rows = readFileSync(packages, 'utf8').trim().split('\n').slice(0, 100);
    writeFileSync(file('rows.jsonl'), rows.map((row) => `${row}\n`).join(''));
    const printed = run('prices', 'rows.jsonl', file('updated.jsonl'));
    expect(printed.slice(0, 3)).toEqual([
      'breaker: closed -> open (failure-rate)',
      'breaker: open -> half-open (open-over)',
      expect.stringMatching(/^breaker: half-open -> /),
    ]);
    expect(printed.at(-2)).toMatch(/^100 prices updated, \d+ retries, \d+ calls while it was down$/);
    const names = linesOf('updated.jsonl').map((line) => JSON.parse(line).name as string);
    expect(names.sort()).toEqual(rows.map((row) => JSON.parse(row).name as string).sort());
    expect(readdirSync(folder)).not.toContain('updated.jsonl.failed');
  });
});

describe('sizes', () => {
  it('runs a command for each file, and fans its answer out', () => {
    mkdirSync(file('texts/deep'), { recursive: true });
    const texts = { 'one.txt': 'a b\n', 'deep/$(id) two.txt': 'a\nb c d\n', 'deep/-three.txt': '' };
    for (const [name, text] of Object.entries(texts)) writeFileSync(file(`texts/${name}`), text);
    const printed = run('sizes', 'texts/**/*.txt', 'out');
    expect(printed.slice(-2)).toEqual(['3 lines in 3 files, half of them up to 1', 'the table is in out/sizes.csv']);
    const answers = Object.keys(texts).map((name) => JSON.parse(readFileSync(file(`out/files/${name}.json`), 'utf8')));
    expect(answers.map(({ lines, words }) => [lines, words])).toEqual([
      [1, 2],
      [2, 4],
      [0, 0],
    ]);
    expect(linesOf('out/sizes.csv')).toHaveLength(4);
    expect(readdirSync(file('out'))).not.toContain('failed.jsonl');
  });
});

describe('custom', () => {
  it('writes what it finds, 20 lines a file, and accounts for every file', () => {
    mkdirSync(file('texts/deep'), { recursive: true });
    for (let i = 0; i < 9; i++) writeFileSync(file(`texts/${i}.txt`), `no\n${'a word here\n'.repeat(4)}`);
    writeFileSync(file('texts/deep/none.txt'), 'nothing\n');
    writeFileSync(file('texts/deep/binary'), Buffer.from([0xff, 0xfe]));
    const printed = run('custom', 'texts', 'word', 'found');
    expect(printed).toEqual(['wrote 2 files', '{ read: 11, ok: 9, failed: 1, skipped: 1, inDoubt: 0, pending: 0 }']);
    expect(linesOf('found/part-1.txt')).toHaveLength(20);
    expect(linesOf('found/part-2.txt')).toHaveLength(7); // three of each file, and no more
    expect(linesOf('found/part-1.txt')[0]).toBe('texts/0.txt:2: a word here');
  });

  it('finds nothing where nothing is', () => {
    cpSync(join(root, 'examples/data'), file('texts'), { recursive: true });
    expect(run('custom', 'texts', 'no such word', 'found')[0]).toBe('wrote 0 files');
  });
});
