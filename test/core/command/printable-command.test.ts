import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Argument, printableCommand } from 'batchx';
import { argumentsIn, hostile, itNeeds } from './programs.js';

describe('printableCommand', () => {
  it.each<[Argument[], string]>([
    [['cp', '-r', 'a/b.txt', 'x=y', '50%', '@1:2,3+4'], 'cp -r a/b.txt x=y 50% @1:2,3+4'],
    [
      ['echo', 'a b', '', "it's", `it's "$x"`, '*', '~', '{}', '#a'],
      `echo 'a b' '' "it's" 'it'\\''s "$x"' '*' '~' '{}' '#a'`,
    ],
    [['A=b', 'x'], `'A=b' x`],
    [['if'], `'if'`],
    [['é', 'a\nb\t', '\u001b[0m', '\u202ex', "\n'\\"], `'é' $'a\\nb\\t' $'\\033[0m' $'\\342\\200\\256x' $'\\n\\'\\\\'`],
    [['x', Buffer.from([0x41, 0xff, 0x37])], `x $'A\\3777'`],
  ])('%j', (argv, line) => {
    expect(printableCommand(argv)).toBe(line);
  });

  const text = fc.oneof(
    fc.constantFrom(...hostile),
    fc.string({ unit: fc.constantFrom(...Array.from(` '"\\$\`!~#*?[]{}()<>|&;=%^-a1é\u2028`)) }),
    fc.string({ unit: 'grapheme' }).map((each) => each.replaceAll('\0', '')),
  );
  const bytes = fc.uint8Array({ min: 1, maxLength: 6 }).map((each) => Buffer.from(each));

  itNeeds('bash', 'is read back by bash as the same arguments', () => {
    const argvs = fc.sample(fc.array(fc.oneof(text, bytes), { minLength: 1, maxLength: 5 }), 300);
    const lines = argvs.map((argv) => printableCommand(['p', ...argv]));
    expect(lines.filter((line) => /[\n\r]/.test(line))).toEqual([]);
    const expected = argvs.flatMap((argv) => [
      ...argv.map((each) => Buffer.from(each as Uint8Array)),
      Buffer.from(''),
      Buffer.from('end'),
    ]);
    expect(argumentsIn('bash', lines.join('\n')).map((each) => each.toString('latin1'))).toEqual(
      expected.map((each) => each.toString('latin1')),
    );
  });

  itNeeds('sh', 'is read back by sh, when all of it shows', () => {
    const shown = text.filter((each) => !printableCommand(['p', each]).includes("$'"));
    const argvs = fc.sample(fc.array(shown, { minLength: 1, maxLength: 5 }), 300);
    const lines = argvs.map((argv) => printableCommand(['p', ...argv]));
    expect(argumentsIn('sh', lines.join('\n')).map(String)).toEqual(argvs.flatMap((argv) => [...argv, '', 'end']));
  });
});
