import { fileName } from 'batchx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partsOf, pathText, tempName } from '../../src/core/output-path.js';
import { hostile } from './hostile.js';

const texts = fc.oneof(
  fc.constantFrom(...hostile),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('.', '/', '%', '2', 'E', '~', '\0', 'a', '\ud83d', '\ude00'), maxLength: 8 }),
);

describe('fileName', () => {
  it('leaves what can be read', () => {
    for (const name of [
      'a-1',
      'Grüße an Jörg (2).txt',
      '.profile',
      "it's 5 & more, [x] {y} #1 @b=c+d;!~^`$'",
      '日本語',
      'e\u0301',
    ])
      expect(fileName(name)).toBe(name);
  });

  it('writes what a name cannot contain as %XX', () => {
    expect(hostile.slice(1, 6).map(fileName)).toEqual(['%2E', '%2E%2E', '...', '%2F', '..%2F..%2Fetc%2Fpasswd']);
    expect(fileName('50% off\n')).toBe('50%25 off%0A');
    expect(fileName('a\ud83d')).toBe('a%uD83D');
    expect(fileName('a😀')).toBe('a😀');
    expect(fileName('.batchx-1')).toBe('%2Ebatchx-1');
  });

  it('gives different values different names of one part, also in a path that is too long', () => {
    fc.assert(
      fc.property(texts, texts, fc.constantFrom('', '.json', 'x'), (a, b, end) => {
        fc.pre(a !== b && a + end !== '' && b + end !== '');
        const [one, two] = [a, b].map((text) => partsOf(fileName(text) + end, '.'));
        expect(one).toHaveLength(1);
        expect(one).not.toEqual(two);
        expect(Buffer.byteLength(one![0]!)).toBeLessThanOrEqual(255);
        expect(one![0]).not.toMatch(/^\.\.?$|^\.batchx-|\/|\0/);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives a value that was made from the long name of another one a name of its own', () => {
    const [long] = partsOf(fileName('x'.repeat(300)), '.');
    expect(partsOf(fileName(long!), '.')).not.toEqual([long]);
  });
});

describe('partsOf', () => {
  it('gives the names on the way', () => {
    expect(partsOf('a.txt', '.')).toEqual(['a.txt']);
    expect(partsOf('./a//b/./c.txt', 'out')).toEqual(['a', 'b', 'c.txt']);
    expect(partsOf('/data/out/a/b.txt', '/data/out')).toEqual(['a', 'b.txt']);
    expect(partsOf('/etc/x', '/')).toEqual(['etc', 'x']);
  });

  it('refuses what leads out, and what names no file', () => {
    const why = (path: string, root = 'out'): string => {
      try {
        return partsOf(path, root).join('/');
      } catch (error) {
        expect(error).toMatchObject({ code: 'path', class: 'permanent' });
        return (error as Error).message;
      }
    };
    for (const path of ['../x', 'a/../../x', 'a/..', '/etc/passwd', '/data/outside/x'])
      expect(why(path, '/data/out')).toBe(
        `cannot write ${JSON.stringify(path)}: it leads out of /data/out; a path is relative to that folder, which is set by \`root\``,
      );
    for (const path of ['', '.', './', 'a/', 'a/.'])
      expect(why(path)).toBe(
        `cannot write ${JSON.stringify(path)}: it names a folder, expected the name of a file at its end`,
      );
    expect(why('a\0b')).toBe(
      'cannot write "a\\u0000b": a path cannot contain control characters or half of a surrogate pair; `fileName(text)` makes a name of any',
    );
    expect(why('a/.batchx-1-b')).toContain(
      'names that begin with `.batchx-` are those of files that are not whole yet',
    );
    expect(why(7 as never)).toBe('expected a path to be text, got number');
  });

  it('shortens a name that is too long by its hash, and keeps its beginning and its extension', () => {
    const [name] = partsOf(`${'ä'.repeat(200)}.png`, '.');
    expect(name).toMatch(/^ä{108}%~[0-9a-f]{32}\.png$/);
    expect(Buffer.byteLength(name!)).toBeLessThanOrEqual(255);
  });
});

describe('pathText', () => {
  it('keeps folders, and makes each name a safe one', () => {
    expect(pathText('src/50%/a\nb.py')).toBe('src/50%25/a%0Ab.py');
    expect(pathText('')).toBe('.');
    expect(() => partsOf(pathText('a/../../b'), '.')).toThrow('it leads out of .');
  });
});

describe('tempName', () => {
  it('is hidden, keeps the extension, and is never too long', () => {
    expect(tempName('photo.png', () => 0.5)).toMatch(/^\.batchx-[0-9a-z]{10}-photo\.png$/);
    const long = tempName(`${'ä'.repeat(120)}.png`, () => 0);
    expect(long).toMatch(/^\.batchx-0000000000-ä{28}\.png$/);
  });
});
