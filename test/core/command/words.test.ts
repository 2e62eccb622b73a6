import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitWords } from 'batchx';
import { argumentsIn, itNeeds } from './programs.js';

describe('splitWords', () => {
  it.each<[string, string[]]>([
    ['convert {} -resize 50% {.}.jpg', ['convert', '{}', '-resize', '50%', '{.}.jpg']],
    [`a'b c'"d e"f\\ g`, ['ab cd ef g']],
    [`'' a"" "" ''`, ['', 'a', '', '']],
    [`"\\$\\"\\\\\\a" '\\'`, ['$"\\\\a', '\\']],
    ['a \\\n  b\\\nc', ['a', 'bc']],
    ['\n  a b \n\n', ['a', 'b']],
    ['* ? [ ~ { } # ! $ = % ^', ['*', '?', '[', '~', '{', '}', '#', '!', '$', '=', '%', '^']],
    [`awk '{print $1 | "sort"}' \\| \\$HOME`, ['awk', '{print $1 | "sort"}', '|', '$HOME']],
    ['x {{ a.b }}.txt "{{ a }} b"', ['x', '{{ a.b }}.txt', '{{ a }} b']],
    ['', []],
  ])('%j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  it.each([
    [
      'cat a | wc',
      'at character 7 of "cat a | wc": `|` is a pipe to a shell, and no shell is run here: quote it, or have a shell run the command by `shell: true` (--shell)',
    ],
    ['a & b', '`&`'],
    ['a; b', 'character 2 of "a; b": `;`'],
    ['a < b', '`<`'],
    ['a 2> b', '`>`'],
    ['(a)', '`(`'],
    ['a)', '`)`'],
    ['a\nb', 'a line break'],
    ['a $HOME', 'character 3 of "a $HOME": `$HOME` is the value of a variable'],
    ['a "x $HOME"', 'character 6'],
    ['a ${x}', '`${`'],
    ['a $(b)', '`$(` is the output of a command'],
    ['a $1', '`$1`'],
    ['a `b`', 'a backquote'],
    ['a "`b`"', 'a backquote'],
    [`a 'b`, 'character 3 of "a \'b": `\'` is opened and not closed'],
    ['a "b', '`"` is opened and not closed'],
    ['a \\', '`\\` at the end'],
  ])('refuses %j', (text, message) => {
    expect(() => splitWords(text)).toThrow(message);
    expect(() => splitWords(text)).toThrow(expect.objectContaining({ code: 'usage' }) as Error);
  });

  itNeeds('sh', 'splits as a shell does', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      ' ',
      '  ',
      '\t',
      "'",
      '"',
      '\\',
      '\\\n',
      "'x y'",
      '"x y"',
      "''",
      '""',
      'é',
      '{',
      '=',
    );
    const texts = fc.sample(fc.array(piece, { maxLength: 12 }), 400).map((pieces) => `x${pieces.join('')}`);
    const good = texts.filter((text) => {
      try {
        return splitWords(text).length > 0;
      } catch {
        return false;
      }
    });
    expect(good.length).toBeGreaterThan(50);
    const got = argumentsIn('sh', good.map((text) => `p ${text}`).join('\n')).map(String);
    expect(got).toEqual(good.flatMap((text) => [...splitWords(text), '', 'end']));
  });
});
