import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileCommand, type CommandOptions } from 'batchx';
import { temporaryFolder } from '../../contract/temp.js';
import { hostile, itNeeds, split } from './programs.js';

const render = (script: string, args: string[], more: object = {}, options: CommandOptions = {}) =>
  compileCommand(script, { shell: true, ...options }).render({ args, seq: 3, slot: 2, ...more }) as string[];

describe('a command with a shell', () => {
  it.each<[string, string[], string, string[]]>([
    ['gzip -c {} > {.}.gz', ['a b.c'], 'gzip -c "$1" > "$2".gz', ['a b.c', 'a b']],
    [`x "a {} b" 'c {} d' e{}f`, ['v'], `x "a \${1} b" 'c '"$1"' d' e"$1"f`, ['v']],
    ['cat | wc', ['v'], 'cat | wc "$1"', ['v']],
    [`x "$(y "{}" '{}' {})" {}`, ['v'], `x "$(y "\${1}" ''"$1"'' "$1")" "$1"`, ['v']],
    ['x {} # not {} "\ny {}', ['v'], 'x "$1" # not {} "\ny "$1"', ['v']],
    [
      'x \\{} "\\{}" $$ $x ${x} "${x:-a b}" $(( 1 + x )) `date` {}',
      ['v'],
      'x \\{} "\\{}" $$ $x ${x} "${x:-a b}" $(( 1 + x )) `date` "$1"',
      ['v'],
    ],
    ['x {#}{%} {outputPath} {{ t }}', ['v'], 'x "$1""$2" "$3" "$4"', ['3', '2', '/o', 'T']],
    [
      'for x in {}; do y "$x"; done; z "{}"',
      ['a', 'b'],
      'for x in "$1" "$2"; do y "$x"; done; z "${1} ${2}"',
      ['a', 'b'],
    ],
    ['x d/{}.y {2} {3} a{3}', ['a', 'b'], 'x d/"$1".y d/"$2".y "$2"  a', ['a', 'b']],
    ["x \\\n# it's {}\ny {}", ['v'], 'x \\\n# it\'s {}\ny "$1"', ['v']],
    ['x={}; y "${x%.*}"', ['v'], 'x="$1"; y "${x%.*}"', ['v']],
    // Where `$1` has a meaning of its own, or comes to have another one.
    ['f() { echo "$1" {}; }; f x', ['v'], 'batchx_1=${1}; set --\nf() { echo "$1" "${batchx_1}"; }; f x', ['v']],
    ['set -- a; echo {}', ['v'], 'batchx_1=${1}; set --\nset -- a; echo "${batchx_1}"', ['v']],
    ['echo "$@" {}', ['v'], 'batchx_1=${1}; set --\necho "$@" "${batchx_1}"', ['v']],
    // Numbers are only digits, so that nothing is run by calculating with them.
    ['x $(( {#} + 1 )) "$(( {%}*2 ))" {}', ['v'], 'x $(( ${1} + 1 )) "$(( ${2}*2 ))" "$3"', ['3', '2', 'v']],
    ['f() { y $1; }; (( {#} ))', ['v'], 'batchx_1=${1}; set --\nf() { y $1; }; (( ${batchx_1} ))', ['3']],
    // Not to be taken for options of the shell.
    ['-x {}', ['v'], ' -x "$1"', ['v']],
    ['x {n} {m}', ['v'], 'x "$1" {m}', ['v']],
  ])('%j', (script, args, expected, given) => {
    const more = { outputPath: '/o', scope: () => 'T', names: ['n'] };
    expect(render(script, args, more)).toEqual(['/bin/sh', '-c', expected, 'sh', ...given]);
  });

  it('is run by the shell that is named', () => {
    expect(render('x', ['v'], {}, { shell: '/bin/bash' })).toEqual(['/bin/bash', '-c', 'x "$1"', 'sh', 'v']);
  });

  it.each([
    ['x `y {}`', 'at character 6 of "x `y {}`": {} cannot be put here: write `$( )`'],
    ['x $(( {} + 1 ))', '`(( ))`'],
    ['x $(( {#} + {1} ))', '{1} cannot be put here: in `(( ))`'],
    ['x `y {#}`', 'write `$( )`'],
    ["x $'{#}'", "shells differ on `$' '`"],
    ['(( {} ))', '`(( ))`'],
    ['x ${y:-{}}', 'give it to a variable first'],
    ['x ${{ t }}', 'give it to a variable first'],
    ["x $'{}'", "shells differ on `$' '`"],
    ["x $'\\'' {}", "shells differ on `\\'`"],
    ['a[{}]=1', 'subscript'],
    ['a["{}"]=1', 'subscript'],
    ['x $[ 1 ] {}', '`$[ ]`'],
    ['x "$\\\n(y {})"', 'lines cannot be joined'],
    ['x <<EOF\n{}\nEOF', 'here-documents'],
    ['x "$(case y in z) ;; esac)" {}', '`case`'],
    ['x "${y#\'z\'}" {}', "shells differ on `'`"],
    ['x $((y); z) {}', 'write `( (`'],
    ['x "{}', '`"` is opened and not closed'],
    ["x '{}", "`'` is opened and not closed"],
    ['x $(y {}', '`$(` is opened and not closed'],
    ['x ${y', '`${` is opened'],
    ['x `y', 'a backquote is opened and not closed'],
    ['x \\', '`\\` at the end'],
    // Where {} at the end would be a command, or nothing.
    ['x;', 'nothing can follow'],
    ['x &', 'nothing can follow'],
    ['for i in 1; do x; done', 'nothing can follow'],
    ['x # y', 'nothing can follow'],
  ])('refuses %j', (script, message) => {
    expect(() => compileCommand(script, { shell: true })).toThrow(message);
    expect(() => compileCommand(script, { shell: true })).toThrow(expect.objectContaining({ code: 'usage' }) as Error);
  });

  it('refuses a name where no value can be put, once it is known to be one', () => {
    expect(render('x `y {n}` {}', ['v'])).toEqual(['/bin/sh', '-c', 'x `y {n}` "$1"', 'sh', 'v']);
    expect(() => render('x `y {n}` {}', ['v'], { names: ['n'] })).toThrow('{n} cannot be put here');
  });

  it.each([
    ['gzip -c {} > {.}.gz', 'a b.c', "gzip -c 'a b.c' > 'a b'.gz"],
    [`x "a {} b" 'c {} d' e{}f`, 'v', `x "a v b" 'c v d' evf`],
    [`x "{}" '{}' {}`, '', `x "" '' ''`],
    [`x "{}" '{}' {}`, "it's", `x """it's""" ''"it's"'' "it's"`],
    ['x {}>y {}', '2', "x '2'>y 2"],
    ['x {} # {}\ny', 'v', 'x v # {}\ny'],
    ['f() { y $1 {}; }; f {#} {%}', 'v', 'f() { y $1 v; }; f 3 2'],
    ['x', 'a b', "x 'a b'"],
    ['x $(( {#} + 1 )) {}', 'v', 'x $(( 3 + 1 )) v'],
  ])('is shown with its values: %j', (script, value, expected) => {
    const command = compileCommand(script, { shell: true });
    expect(command.print({ args: [value], seq: 3, slot: 2 }, [])).toBe(expected);
  });

  /** A part of a word, and what it stands for. */
  interface Part {
    readonly text: string;
    readonly means: (values: readonly string[]) => string;
  }
  const value: fc.Arbitrary<Part> = fc.constantFrom(
    { text: '{1}', means: ([a = '']: readonly string[]) => a },
    { text: '{2}', means: ([, b = '']: readonly string[]) => b },
    { text: '{-1}', means: ([, b = '']: readonly string[]) => b },
    { text: '{#}', means: () => '3' },
  );
  const literal = (chars: string): fc.Arbitrary<Part> =>
    fc
      .string({ unit: fc.constantFrom(...Array.from(chars)), maxLength: 4 })
      .map((text) => ({ text, means: () => text }));
  const around = (parts: readonly Part[], before: string, after: string, mark = ''): Part => ({
    text: before + parts.map(({ text }) => text).join('') + after,
    means: (values) => parts.map(({ means }) => means(values)).join('') + mark,
  });
  const some = (part: fc.Arbitrary<Part>): fc.Arbitrary<Part[]> => fc.array(part, { minLength: 1, maxLength: 4 });
  const parts = fc.letrec<{ word: Part; double: Part }>((tie) => ({
    word: fc.oneof(
      { maxDepth: 3 },
      value,
      literal('ab.-/=:é'),
      some(fc.oneof(value, literal(`ab "$\`\\;|#(){ `))).map((all) => around(all, "'", "'")),
      some(tie('double')).map((all) => around(all, '"', '"')),
    ),
    double: fc.oneof(
      { maxDepth: 3 },
      value,
      literal(`ab ';|#(){ `),
      // Marked, because a shell takes the line breaks from the end of what a command writes.
      some(tie('word')).map((all) => around(all, '$(printf "%s." ', ')', '.')),
      some(tie('word')).map((all) => around(all, '$( { printf "%s." ', '; } )', '.')),
      fc.constant({ text: '\\"\\$\\\\\\`', means: () => '"$\\`' }),
    ),
  }));
  const scripts = fc.constantFrom<(words: string) => string>(
    (words) => `printf '%s\\0' ${words}`,
    (words) => `f() { shift; printf '%s\\0' ${words}; }; f x y`,
    (words) => `# it's a "comment" {}\nfor x in ${words}; do printf '%s\\0' "$x"; done`,
    (words) => `set -- a b\n{ printf '%s\\0' ${words}; } 2>&1 | cat; : {}`,
    (words) => `(printf '%s\\0' ${words}) # {1} '`,
  );
  const text = fc.oneof(
    fc.constantFrom(...hostile),
    fc.string({ unit: fc.constantFrom(...Array.from(` '"\\$\`(){}[]*?~#!&|;<>=\n\tab`)) }),
  );

  for (const shell of ['sh', 'bash']) {
    itNeeds(shell, `${shell} is given each value byte for byte, and runs nothing of it`, () => {
      const cwd = temporaryFolder();
      fc.assert(
        fc.property(
          scripts,
          fc.array(some(parts.word), { minLength: 1, maxLength: 3 }),
          fc.tuple(text, text),
          (script, words, args) => {
            const joined = words.map((word) => around([{ text: 'x', means: () => 'x' }, ...word], '', ''));
            const [program = '', ...rest] = render(
              script(joined.map(({ text: each }) => each).join(' ')),
              args,
              {},
              { shell, append: false },
            );
            const { stdout, stderr } = spawnSync(program, rest, { cwd });
            const expected = joined.map(({ means }) => means(args));
            expect([split(stdout).map(String), stderr.toString(), readdirSync(cwd)]).toEqual([expected, '', []]);
            if (shell === 'sh') return;
            // What is shown of it to people does the same.
            const command = compileCommand(script(joined.map(({ text: each }) => each).join(' ')), {
              shell,
              append: false,
            });
            const shown = command.print({ args, seq: 3, slot: 2 }, []);
            expect(spawnSync(shell, ['-c', shown], { cwd }).stdout).toEqual(stdout);
          },
        ),
        { numRuns: 60 },
      );
    });
  }
});
