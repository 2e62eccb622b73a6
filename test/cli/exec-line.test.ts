import { describe, expect, it } from 'vitest';
import { execAgain } from '../../src/cli/again.js';
import { execFlags } from '../../src/cli/exec-flags.js';
import { parseExecLine } from '../../src/cli/exec-line.js';
import { flagsIn } from '../../src/cli/exec-parts.js';

/** A line split at blanks; `_` stands for a blank within a word. */
const words = (line: string): string[] =>
  line
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => word.replaceAll('_', ' '));
const parse = (line: string) => parseExecLine(words(line));
const facts = (line: string) => {
  const { command, inputs, lists } = parse(line);
  return { command, inputs, lists: lists.map(({ values, files, linked }) => [linked ? '+' : '', values ?? files]) };
};

describe('what is the command, and what are inputs', () => {
  it.each<[string, string | string[], string[]?, unknown[]?]>([
    ['echo', 'echo'],
    ['cat_{} a.txt b.txt', 'cat {}', ['a.txt', 'b.txt']],
    ['cat a.txt b.txt', 'cat', ['a.txt', 'b.txt']],
    ['cat_{} -', 'cat {}', ['-']],
    ['-k -j2 cat_{} a -q b', 'cat {}', ['a', 'b']],
    // Before values the words are the command, with all flags in them.
    ['gzip -9 ::: a', ['gzip', '-9'], [], [['', ['a']]]],
    ['-k gzip -k -j9 ::: a', ['gzip', '-k', '-j9'], [], [['', ['a']]]],
    ['-j 2 gzip --help -- x ::: a', ['gzip', '--help', '--', 'x'], [], [['', ['a']]]],
    ['echo_{} -k ::: a', 'echo {}', [], [['', ['a']]]],
    ['echo ::: -k --x -- :', 'echo', [], [['', ['-k', '--x', '--', ':']]]],
    ['-a list gzip -9', ['gzip', '-9'], [], [['', ['list']]]],
    ['-ka list gzip -k', ['gzip', '-k'], [], [['', ['list']]]],
    ['--arg-file=list gzip -k', ['gzip', '-k'], [], [['', ['list']]]],
    ['gzip -a list', 'gzip', [], [['', ['list']]]],
    // So they are where one of them has a placeholder.
    ['gzip -9 {}', ['gzip', '-9', '{}']],
    ['-k cp {} {.}.bak -v', ['cp', '{}', '{.}.bak', '-v']],
    ['cp {1/.} {{_x_}}', ['cp', '{1/.}', '{{ x }}']],
    ['mycmd --cwd {//} a.txt', 'mycmd', ['a.txt']],
    ['mycmd -a {} x', 'mycmd', ['x'], [['', ['{}']]]],
    ['mycmd --output={}', ['mycmd', '--output={}']],
    ['mycmd --cwd={//} a.txt', 'mycmd', ['a.txt']],
    // Behind `--` nothing is a flag.
    ['-k -- gzip -9 x', ['gzip', '-9', 'x']],
    ['-- gzip_-9', 'gzip -9'],
    ['-- my_prog -x ::: a', ['my prog', '-x'], [], [['', ['a']]]],
    ['cat_{} -k -- -x -y', 'cat {}', ['-x', '-y']],
    ['cat -- -x', 'cat', ['-x']],
    // Lists.
    [
      'echo ::: a b ::: 1 ::::+ f g',
      'echo',
      [],
      [
        ['', ['a', 'b']],
        ['', ['1']],
        ['+', ['f', 'g']],
      ],
    ],
    [
      'echo :::: f ::: a :::+ b',
      'echo',
      [],
      [
        ['', ['f']],
        ['', ['a']],
        ['+', ['b']],
      ],
    ],
    [
      '-a f -a g echo ::: x',
      'echo',
      [],
      [
        ['', ['f', 'g']],
        ['', ['x']],
      ],
    ],
    ['echo :::', 'echo', [], [['', []]]],
  ])('%s', (line, command, inputs = [], lists = []) => {
    const expected = inputs.length > 0 && line.includes(' -a ') ? undefined : { command, inputs, lists };
    if (expected === undefined) expect(() => facts(line)).toThrow('in one place');
    else expect(facts(line)).toEqual(expected);
  });

  it.each([
    ['', 'expected a command, got none, as in: batchx exec'],
    ['-k ::: a', 'expected a command'],
    ['--', 'expected a command, got none'],
    ['gzip -9 a', 'no flag is called -9; what begins with a dash and is no flag goes behind --, as in: -- gzip -9 {}'],
    ['echo_{} a ::: b', 'expected the values of the command in one place, got a beside those of -a or `:::`'],
    ['echo --env A', '--env: expected NAME=VALUE, got "A"'],
    ['echo --env A=1 --env =2', '--env: expected NAME=VALUE, got "=2"'],
    ['echo -j 0', '-j: expected a number of at least 1'],
    ['echo --header x', '--header: expected one of :'],
    ['echo --timeout x', '--timeout: '],
    ['echo --halt x', '--halt: '],
    ['echo --kep-order', 'did you mean --keep-order?'],
  ])('refuses %j', (line, message) => {
    expect(() => parse(line)).toThrow(message);
    expect(() => parse(line)).toThrow(expect.objectContaining({ code: 'usage' }) as Error);
  });
});

describe('flags', () => {
  it('may be in one word, and be repeated', () => {
    const { flags } = parse('-k0C, -N2 --env A=1 --env B=x=y -a f -a - -j50% --timeout 0.3 --delay 2 echo');
    expect(flags).toMatchObject({
      'keep-order': true,
      null: true,
      colsep: ',',
      'max-args': 2,
      env: ['A=1', 'B=x=y'],
      'arg-file': ['f', '-'],
      timeout: '0.3s',
      delay: '2s',
    });
    expect(parse('--timeout 300% echo').flags.timeout).toBe('300%');
    expect(parse('--timeout 1.5m echo').flags.timeout).toBe('1.5m');
  });

  it.each([
    ['-k ls --help ::: x', ['-k']],
    ['ls --help', ['ls', '--help']],
    ['-q -- ls --help', ['-q']],
    ['ls -l --help {}', []],
  ])('are looked for in front of the words of the command: %s', (line, own) => {
    expect(flagsIn(words(line))).toEqual(own);
  });
});

describe('the line that runs what failed again', () => {
  const again = (line: string, file = 'f.jsonl') => {
    const { own, words: command, flags } = parse(line);
    return execAgain(execFlags, { own, words: command, rows: flags.in !== undefined }, file);
  };

  it.each([
    ['--failed f.jsonl cat_{} a.txt b.txt -k', "batchx exec --failed f.jsonl -k -a f.jsonl 'cat {}'"],
    ['-k gzip -9 ::: a', 'batchx exec -k -a f.jsonl gzip -9'],
    ['--limit 3 --limit=4 --allow-empty echo ::: a', 'batchx exec -a f.jsonl echo'],
    ['-k0C, -N2 --link --header : -a x --arg-file=y echo {a}', "batchx exec -k -a f.jsonl echo '{a}'"],
    ['-kN2 -j4 --env A=1 echo', 'batchx exec -k -j4 --env A=1 -a f.jsonl echo'],
    ['-j 4 -ka x echo', 'batchx exec -j 4 -k -a f.jsonl echo'],
    ['-- my_prog -x ::: a', "batchx exec -a f.jsonl -- 'my prog' -x"],
    ["echo it's ::: a", "batchx exec -a f.jsonl echo 'it'\\''s'"],
    ['--in csv -k echo_{{a}} rows.csv', "batchx exec --in csv -k 'echo {{a}}' f.jsonl"],
    ['--in csv echo {{a}} x', undefined],
    ['echo a\nb ::: a', undefined],
  ])('%s', (line, expected) => {
    expect(again(line)).toBe(expected);
  });

  it('names a file that begins with a dash', () => {
    expect(again('echo ::: a', '-f')).toBe('batchx exec --arg-file=-f echo');
    expect(again('--in jsonl echo_{} x', '-f')).toBe("batchx exec --in jsonl 'echo {}' -- -f");
  });

  it('says the same command again when it is read', () => {
    for (const line of ['-k gzip -9 ::: a', 'cat_{} a -k', '-- my_prog -x ::: a', '-N2 echo {1} ::: a b']) {
      const shell = again(line) ?? '';
      const args = [...shell.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(2);
      expect([line, parseExecLine(args).command]).toEqual([line, parse(line).command]);
      expect(parseExecLine(args).lists).toEqual([{ files: ['f.jsonl'], linked: false }]);
    }
  });
});
