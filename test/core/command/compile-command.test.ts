import { filtered } from '../../../src/core/command/filtered.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Argument, type CommandOptions, compileCommand } from 'batchx';
import { argumentsIn, hostile, itNeeds, parallel } from './programs.js';

const render = (command: string | string[], args: Argument[], more: object = {}, options: CommandOptions = {}) =>
  compileCommand(command, options).render({ args, seq: 3, slot: 2, ...more });

describe('compileCommand', () => {
  it.each<[string | string[], string[], string[]]>([
    ['cp {} {.}.bak', ['a b.txt'], ['cp', 'a b.txt', 'a b.bak']],
    ['x {/} {//} {/.} {.}', ['d/a.b'], ['x', 'a.b', 'd', 'a', 'd/a']],
    ['x {#} {%} {#}{%}', ['a'], ['x', '3', '2', '32']],
    ['x {2} {1} {-1} {2.}{1/} {1 }', ['d/a', 'b.c'], ['x', 'b.c', 'd/a', 'b.c', 'ba', 'd/a']],
    // A program that is a placeholder, too.
    ['{}', ['a b'], ['a b']],
    // Where nothing says where the value goes, it comes last.
    ['gzip -9', ['a b'], ['gzip', '-9', 'a b']],
    [
      ['gzip', '-9'],
      ['a', 'b'],
      ['gzip', '-9', 'a', 'b'],
    ],
    [
      'x {y} {"a":1} {print} {0} {-0} {..} {+/} {a',
      ['v'],
      ['x', '{y}', '{"a":1}', '{print}', '{0}', '{-0}', '{..}', '{+/}', '{a', 'v'],
    ],
    ['x {#}', ['a'], ['x', '3']],
    ['x {%}', ['a'], ['x', '2']],
    // Several values: a word for each, but one in quotes.
    ['x {} y', ['a', 'b c'], ['x', 'a', 'b c', 'y']],
    ['x d/{.}-{} y', ['a.b', 'c'], ['x', 'd/a-a.b', 'd/c-c', 'y']],
    [`x "{}" 'd/{} e' "{1}"-{}`, ['a', 'b c'], ['x', 'a b c', 'd/a b c e', 'a-a', 'a-b c']],
    [
      ['x', '{}', 'all: {}', 'd/{}'],
      ['a', 'b'],
      ['x', 'a', 'b', 'all: a b', 'd/a', 'd/b'],
    ],
    // A value that is not there.
    ['x {2} y{2} "{2}" {2}{3} {-2}', ['a'], ['x', 'y', '']],
    ['x {} y{}', [], ['x']],
    ['x {}', [''], ['x', '']],
    [`x {2}'' '' {2}`, ['a'], ['x', '', '']],
    // Placeholders in quotes are still some, those with a backslash are not.
    [`x '{}' "{.}" \\{} "\\{}" {}`, ['a.b'], ['x', 'a.b', 'a', '{}', '\\{}', 'a.b']],
    [`x '{y z}' "{y}"`, ['v'], ['x', '{y z}', '{y}', 'v']],
  ])('%j with %j', (command, args, expected) => {
    // `{"a":1}` only means itself in quotes or as a word of its own.
    const words = typeof command === 'string' && command.includes('"a":1') ? command.split(' ') : command;
    expect(render(words, args)).toEqual(expected);
  });

  it('has names for values, when these have names', () => {
    const names = ['n', 'first name', 'a.b'];
    const args = ['d/x.y', 'v w', 'z.z'];
    expect(render(`c {n} {n.} {n/} {n//} {n/.} '{first name}' {a.b} {a.b.} {m}`, args, { names })).toEqual([
      'c',
      'd/x.y',
      'd/x',
      'x.y',
      'd',
      'x',
      'v w',
      'z.z',
      'z',
      '{m}',
    ]);
    expect(render('c {n}', args.slice(0, 1))).toEqual(['c', '{n}', 'd/x.y']);
    const command = compileCommand('c {n}');
    const other = (...called: string[]) => command.render({ args: ['1', '2'], names: called, seq: 1, slot: 1 });
    expect([other('n'), other('m', 'n'), other('m'), other('n')]).toEqual([
      ['c', '1'],
      ['c', '2'],
      ['c', '{n}', '1', '2'],
      ['c', '1'],
    ]);
  });

  it('has templates of the scope, whose values are not looked at again', () => {
    const scope = (name: string) => ({ x: '{} {{ y }}', 'a.b': 7, o: { p: [1] }, bytes: Buffer.from([0xff]) })[name];
    expect(render('c {{x}} {{ a.b }}{} "{{ o }}" {{ bytes }}.', ['v'], { scope })).toEqual([
      'c',
      '{} {{ y }}',
      '7v',
      '{"p":[1]}',
      Buffer.from([0xff, 0x2e]),
    ]);
    expect(compileCommand('c {{ x }} {{ y }}').templates).toEqual(['x', 'y']);
    expect(render(['c', '{{.Names}}', '{{}}'], ['v'], {}, { templates: false })).toEqual(['c', '{{.Names}}', '{v}']);
  });

  it('knows what it uses', () => {
    const uses = (text: string, options: CommandOptions = {}) => {
      const { usesValue, usesSeq, usesSlot, usesOutput } = compileCommand(text, options);
      return [usesValue, usesSeq, usesSlot, usesOutput];
    };
    for (const options of [{}, { shell: true }]) {
      expect(uses('c {1}', options)).toEqual([true, false, false, false]);
      expect(uses('c', options)).toEqual([true, false, false, false]);
      expect(uses('c', { ...options, append: false })).toEqual([false, false, false, false]);
      expect(uses('c {#} {%} {outputPath}', options)).toEqual([false, true, true, true]);
    }
    expect(render('c {}', ['a'], { outputPath: '/o p' })).toEqual(['c', 'a']);
    expect(render('c {} {outputPath}', ['a'], { outputPath: '/o p' })).toEqual(['c', 'a', '/o p']);
    expect(() => render('c {outputPath}', ['a'])).toThrow('`{outputPath}` has no value');
    expect(render(['a/{}'], ['b', 'c'], {}, { quoted: true, append: false })).toEqual(['a/b c']);
  });

  it('gives bytes for a value that is none of text', () => {
    const value = Buffer.from('\xff.b', 'latin1');
    expect(render('c {} é{.}', [value])).toEqual(['c', value, Buffer.from([0xc3, 0xa9, 0xff])]);
  });

  it.each([{}, { shell: true }])('fails an item with a NUL in a value: %j', (options) => {
    const failing = () => render('c {1} {2/}', ['a', 'd/b\0c'], {}, options);
    expect(failing).toThrow('`{2/}` stands for "b\\u0000c": no argument of a command can hold a NUL character');
    expect(failing).toThrow(expect.objectContaining({ code: 'exec', class: 'permanent' }) as Error);
    expect(() => render('c {}', [Buffer.from([0xff, 0])], {}, options)).toThrow('NUL');
  });

  it.each([
    ['', 'expected a command'],
    [' \n', 'expected a command'],
    [[], 'expected a command'],
    ['a {= s/a/b/ =}', 'would be Perl'],
    [['a', 'b\0'], 'NUL'],
  ])('refuses %j', (command, message) => {
    expect(() => compileCommand(command)).toThrow(message);
    expect(() => compileCommand(command, { shell: true })).toThrow(message);
  });

  it('never makes more of a value than one argument', () => {
    const value = fc.oneof(
      fc.constantFrom(...hostile),
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
    );
    fc.assert(
      fc.property(value, (text) => {
        expect(render(`c {} "a {} b"'{}' {}{}`, [text])).toEqual(['c', text, `a ${text} b${text}`, text + text]);
      }),
    );
  });

  const compared: readonly [string, ...string[][]][] = [
    ['{}', ['a', 'b c'], ["it's"]],
    ['{} {.} {/} {//} {/.}', ['d.d/a.b', '/x', '.p']],
    ['{#} {}', ['a', 'b']],
    ['{#}', ['a', 'b']],
    ['x y', ['a b', '']],
    ['{2} {1} {-1} {-2}', ['a', 'b'], ['c d', 'e']],
    ['{3} {2} x{3}y {1}', ['a'], ['b']],
    ['{1/} {1//} {1/.} {1.} {2.}', ['d/a.b'], ['c.d.e']],
    ['{01} {1 } {y} {print}', ['a']],
    [`'{}' "{}" 'x {} y'`, ['a', 'b']],
    ['{}', ['a'], ['b', 'c'], ['d']],
    ['a{1}b{2}c {1}{1}', ['x y'], ['z']],
  ];
  itNeeds('parallel', 'gives a program what GNU parallel gives it', () => {
    for (const [template, ...lists] of compared) {
      const lines = parallel(['--dry-run', `p ${template}`, ...lists.flatMap((list) => [':::', ...list])]);
      const expected = argumentsIn('bash', lines).map(String);
      const command = compileCommand(`p ${template}`);
      const rows = lists.reduce<string[][]>(
        (before, list) => before.flatMap((row) => list.map((value) => [...row, value])),
        [[]],
      );
      const got = rows.flatMap((args, i) => [...command.render({ args, seq: i + 1, slot: 1 }).slice(1), '', 'end']);
      expect([template, got]).toEqual([template, expected]);
    }
  });

  itNeeds('parallel', 'repeats a word for each of several values, as GNU parallel does with -N', () => {
    for (const template of ['{}', 'd/{}', '{.}-{}', '{1} x{2}y {3}']) {
      const lines = parallel(['--dry-run', '-N2', `p ${template}`, ':::', 'a.x', 'b c']);
      const got = compileCommand(`p ${template}`)
        .render({ args: ['a.x', 'b c'], seq: 1, slot: 1 })
        .slice(1);
      expect([...got, '', 'end']).toEqual(argumentsIn('bash', lines).map(String));
    }
  });
});

describe('a place with a filter of Liquid', () => {
  const scope = (name: string): unknown => ({ s: 'a b', n: ['x', "q'$(x)"] })[name];
  const values = {
    args: [],
    seq: 1,
    slot: 1,
    scope: Object.assign(
      (name: string) => filtered(name)?.render(Object.assign(scope, { names: () => ['s', 'n'] })) ?? scope(name),
    ),
  };

  it('is one argument, whatever it comes to', () => {
    const command = compileCommand(`printf {{ s | upcase }} "x{{ n[1] | append: ' y' }}" {{s|size}}`);
    expect(command.templates).toEqual(['s', 'n', 's']);
    expect(command.render(values)).toEqual(['printf', 'A B', "xq'$(x) y", '3']);
  });

  it('is refused when it makes no sense, and so is a tag', () => {
    expect(() => compileCommand('echo {{ s | upcas }}')).toThrow('command: undefined filter: upcas');
    for (const tag of ['{% if s %}x{% endif %}', '{%- for a in n %}'])
      expect(() => compileCommand(`echo ${tag}`)).toThrow('is a tag, and commands have none');
    expect(() => compileCommand('echo {%} {% x', { append: false })).not.toThrow();
    expect(() => compileCommand('echo {% if s %}', { templates: false })).not.toThrow();
  });
});
