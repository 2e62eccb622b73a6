import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { flag, flagsOf } from '../../src/cli/flags.js';
import { parseLine } from '../../src/cli/parse-line.js';

const schema = z.strictObject({
  jobs: flag(z.string().default('4'), 'How many.', { alias: 'j', value: 'N' }),
  keep: flag(z.boolean().default(true), 'Keep.', { alias: 'k' }),
  quiet: flag(z.boolean().default(false), 'Quiet.', { alias: 'q' }),
  file: flag(z.string().optional(), 'A file.'),
  show: flag(z.enum(['all', 'none']).default('all'), 'What to show.'),
});
const parse = (line: string) => parseLine(schema, line.split(' '));

describe('parseLine', () => {
  it.each([
    ['x y', {}, ['x', 'y']],
    ['x -j 5 y', { jobs: '5' }, ['x', 'y']],
    ['-j5 x', { jobs: '5' }, ['x']],
    ['--jobs=5 x', { jobs: '5' }, ['x']],
    ['-qj 5 x', { quiet: true, jobs: '5' }, ['x']],
    ['-q true', { quiet: true }, ['true']],
    ['--quiet false', { quiet: true }, ['false']],
    ['-j 1 -j 2', { jobs: '2' }, []],
    ['--no-keep x', { keep: false }, ['x']],
    ['--no-keep -k', { keep: true }, []],
    ['--no-show x', { show: 'none' }, ['x']],
    ['--file -', { file: '-' }, []],
    ['--file=-x', { file: '-x' }, []],
    ['--file=', { file: '' }, []],
    ['--file=a=b', { file: 'a=b' }, []],
    ['- x', {}, ['-', 'x']],
    ['-- -q --x', {}, ['-q', '--x']],
    ['1e3 0x10', {}, ['1e3', '0x10']],
  ])('%s', (line, flags, positionals) => {
    const defaults = { jobs: '4', keep: true, quiet: false, show: 'all' };
    expect(parse(line)).toEqual({
      flags: { ...defaults, ...flags },
      positionals,
      literals: undefined,
      args: line.split(' '),
    });
  });

  it('takes what stands behind ::: as it is', () => {
    expect(parse('x ::: -q --x ::: -- y').literals).toEqual(['-q', '--x', ':::', '--', 'y']);
    expect(parseLine(schema, ['x', ':::']).literals).toEqual([]);
  });

  it.each([
    ['--fil x', 'no flag is called --fil; did you mean --file?'],
    ['--no-file', 'no flag is called --no-file'],
    ['--no-kep', 'no flag is called --no-kep; did you mean --no-keep?'],
    ['--no-keep=1', '--no-keep: expected no value, got "1"'],
    ['--__proto__ x', 'no flag is called --__proto__'],
    ['--keep=1', '--keep: expected no value, got "1"'],
    ['--file --quiet', '--file: expected a value; one that begins with a dash is given as --file=VALUE'],
    ['x -j', '-j: expected a value; one that begins with a dash is given as --jobs=VALUE'],
    ['-5', 'no flag is called -5; what begins with a dash and is no flag goes behind --, as in: -- -data.total'],
  ])('refuses %s', (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });

  it('tells every fault, each once', () => {
    expect(() => parse('-xyz --fil --show=some')).toThrow(
      /^no flag is called -x;.*\nno flag is called --fil; .*\n--show: .*$/,
    );
  });
});

it('flags tell what help and completion need', () => {
  expect(flagsOf(schema)).toEqual([
    {
      name: 'jobs',
      alias: 'j',
      value: 'N',
      description: 'How many.',
      boolean: false,
      choices: [],
      repeatable: false,
      negatable: false,
    },
    { name: 'keep', alias: 'k', description: 'Keep.', boolean: true, choices: [], repeatable: false, negatable: true },
    {
      name: 'quiet',
      alias: 'q',
      description: 'Quiet.',
      boolean: true,
      choices: [],
      repeatable: false,
      negatable: false,
    },
    { name: 'file', description: 'A file.', boolean: false, choices: [], repeatable: false, negatable: false },
    {
      name: 'show',
      description: 'What to show.',
      boolean: false,
      choices: ['all', 'none'],
      repeatable: false,
      negatable: true,
    },
  ]);
});
