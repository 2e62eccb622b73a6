import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileCommand } from 'batchx';
import { keepsBytes, keptArgument, keptText } from '../../../src/core/command/argument.js';

const bytes = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 6 }).map((each) => Buffer.from(each)),
    ),
  )
  .map((parts) => Buffer.concat(parts));

describe('text that keeps bytes', () => {
  it('gives them back, whatever they are, and is the text itself where they are UTF-8', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        const text = keptText(given);
        expect(Buffer.from(keptArgument(text) as Uint8Array)).toEqual(given);
        expect(keepsBytes(text)).toBe(!isUtf8(given));
        if (isUtf8(given)) expect(text).toBe(given.toString());
      }),
    );
  });

  it('has each byte that is no part of a character, and the characters between', () => {
    const given = Buffer.concat([Buffer.from('caf'), Buffer.from([0xe9]), Buffer.from(' é😀'), Buffer.from([0xc3])]);
    expect(keptText(given)).toBe('caf\udce9 é😀\udcc3');
  });

  it('is bytes again in the arguments of a command, but not where a value has it', () => {
    const render = (words: string | string[], value: string, shell = false) =>
      compileCommand(words, { shell })
        .render({ args: [value], seq: 1, slot: 1 })
        .map((each) => Buffer.from(each as Uint8Array));
    const latin = (...texts: string[]) => texts.map((text) => Buffer.from(text, 'latin1'));
    expect(render(['p\udcff', '-\udcfe{}', '\udce9'], 'v')).toEqual(latin('p\xff', '-\xfev', '\xe9'));
    expect(render(`p 'a \udcff' "\udcfe{}"`, 'v')).toEqual(latin('p', 'a \xff', '\xfev'));
    expect(render('echo \udcff {}', 'v', true)[2]).toEqual(latin('echo \xff "$1"')[0]);
    expect(render(['p', '{}'], '\udcff')[1]).toEqual(Buffer.from('\ufffd'));
  });
});
