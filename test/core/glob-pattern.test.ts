import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BatchxError, files } from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { expandBraces } from '../../src/core/walk/braces.js';

let folder: string;
const names = [
  ...['a', 'b.txt', 'ab.txt', 'a+b', 'a(b)c', 'a|b', 'x"y', '$(id)', '^a', 'a.b', '.a', '{a}', '[a]', 'a\\b', 'a b'],
  ...[
    '!a',
    '@a',
    '\n',
    'a\nb',
    'é',
    '🎈',
    '-a',
    'B',
    '1',
    '12',
    "'",
    '~',
    '#a',
    'a,b',
    '..a',
    '%41',
    '=a',
    '*x',
    '?x',
    '[x]',
  ],
  ...['d/a', 'd/b.txt', 'd/.a', 'd/e/a', 'd/e/b.txt', 'd/e/f/a', '.d/a', 'd.d/a', 'D/a', 'd/.e/a', '12d/a', 'de/ab/a'],
];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchx-'));
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), '');
  }
  symlinkSync('d/a', join(folder, 'link'));
  symlinkSync('nowhere', join(folder, 'dangling'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What a shell finds by each pattern, files only. */
function byShell(patterns: readonly string[]): string[][] {
  const script = `shopt -s globstar extglob nullglob
    IFS= ; cd "$1"; shift
    for pattern; do for file in $pattern; do [[ -f $file ]] && printf '%s\\0' "$file"; done; printf '//\\0'; done`;
  const out = execFileSync('bash', ['-c', script, 'bash', folder, ...patterns], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  const found = out.split('//\0').slice(0, patterns.length);
  return found.map((each) => each.split('\0').filter(Boolean).map(shortened).sort());
}

const shortened = (path: string): string => path.replace(/\/{2,}/g, '/').replace(/(^|\/)(?:\.\/)+/g, '$1');

async function byUs(pattern: string): Promise<string[]> {
  const found = files(pattern, { cwd: folder }, fakeRuntime()).pipe(toArray());
  const items = await lastValueFrom(found).catch((error: unknown) => {
    // A shell has nothing to say of what is not there.
    if ((error as BatchxError).code === 'input') return [];
    throw error;
  });
  return items.map(({ data }) => data.path.slice(folder.length + 1)).sort();
}

describe('globs', () => {
  it.each([
    ...[
      '*',
      '**',
      '*/*',
      '**/*',
      '?',
      '??',
      '[ab]*',
      '[!a]*',
      '[^a]*',
      '[a-c].txt',
      '*.txt',
      '**/*.txt',
      '**/a',
      'd/**',
    ],
    ...[
      'd/*',
      'd/**/a',
      '**/e/**',
      '*/e/*',
      '**/*/a',
      '**/**/a',
      '.*',
      '**/.*',
      '.*/*',
      '*/.*',
      'd*/**',
      'a*',
      '*b',
      '*a*b',
    ],
    ...[
      '@(a|1)',
      '!(a)',
      '!(a|b.txt)',
      '+(1|2)',
      '?(a)b.txt',
      '*(a|b).txt',
      '!(*.txt)',
      '@(.a|a)',
      '@(a|.a)',
      'd/!(e)',
      '!(d)/*',
    ],
    ...[
      'a(b)*',
      'a+*',
      'a|*',
      'x"*',
      '*"*',
      '$(*',
      '^*',
      '*|*',
      '*(id)',
      '{*',
      '*}',
      '\\[*',
      '[[]a]',
      '*\\\\*',
      'a\\*',
      '\\**',
      '\\?*',
      '[?]',
    ],
    ...[
      '[[:digit:]]*',
      '[[:upper:]]',
      '[[:lower:]]*',
      '[[:alpha:]]',
      '[![:alnum:]]*',
      '[]]*',
      '[a',
      '[a]*',
      '*]',
      '!*',
      '@*',
      '~*',
      '#*',
      '%*',
      '*,*',
      '=*',
      '-*',
      "'*",
    ],
    ...[
      '[[:space:]]*',
      '*[!a-z]*',
      'a?b',
      '***',
      '**a',
      'a**',
      'd/***',
      './*',
      'd/./*',
      'd//*',
      'd/../*.txt',
      'de/*/*',
      '*\n*',
    ],
  ])('finds what a shell does: %j', async (pattern) => {
    expect(await byUs(pattern)).toEqual(byShell([pattern])[0]);
  });

  const atom = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'd', 'e', '1', '.', 'x', '.txt') },
    { weight: 3, arbitrary: fc.constantFrom('*', '?', '[ab]', '[!a]', '[a-e]', '\\a', '\\*') },
    { weight: 1, arbitrary: fc.constantFrom('@(a|b)', '!(a)', '?(d)', '*(a|e)', '+(a|.txt)', '!(*.txt)', '@(ab|12d)') },
    {
      weight: 1,
      arbitrary: fc.constantFrom('(', ')', '|', '+', '^', '$', '@', '!', '[', ']', '{', '}', '"', ',', 'é', '🎈'),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('{a,b}', '{d,.d,de}', 'a{,b}', '{1..2}', '{a..e}', '{a,{b,d}*}', '{d/e,d}'),
    },
  );
  /** Beside what may be of any length, a shell makes `!(a)` mean next to nothing: `!(a)*` finds `a` there. */
  const isWider = (text: string): boolean =>
    text.includes('!(') && /\*|!\(|[+?]\(/.test(text.replace(/!\([^)]*\)/, ''));

  const segment = fc.oneof(
    { weight: 1, arbitrary: fc.constant('**') },
    {
      weight: 3,
      arbitrary: fc
        .array(atom, { minLength: 1, maxLength: 3 })
        .map((atoms) => atoms.join(''))
        .filter((text) => text !== '..' && !isWider(text)),
    },
  );
  const pattern = fc
    .array(segment, { minLength: 1, maxLength: 4 })
    .map((segments) => segments.join('/'))
    // What exists by that name, or ends in a folder, means something else to us.
    .filter((text) => /[*?[(]/.test(text) && !names.includes(text) && !/\/[{},.]*$/.test(text))
    // Escapes alone make no pattern for every shell.
    .filter((text) => !text.includes('\\') || /[*?[(]/.test(text.replace(/\\./g, '')));

  it('finds what a shell does, whatever the pattern', () =>
    fc.assert(
      fc.asyncProperty(fc.array(pattern, { minLength: 30, maxLength: 30 }), async (patterns) => {
        // A shell expands braces before it looks at what a variable holds.
        const ways = patterns.map(expandBraces);
        const found = byShell(ways.flat());
        for (const [i, each] of patterns.entries()) {
          const expected = new Set(ways[i]?.flatMap(() => found.shift() ?? []));
          expect([each, await byUs(each)]).toEqual([each, [...expected].sort()]);
        }
      }),
      { numRuns: 8 },
    ));
});

describe('braces', () => {
  it.each([
    ...[
      '{a,b}',
      'x{a,b}y',
      '{a,{b,c}}',
      '{a,b}{1,2}',
      '{a}',
      '{}',
      'x{,a}',
      'a{b,c',
      'a}b',
      '{a,b}}',
      '{{a,b}',
      'a{b{c,d}e,f}g',
    ],
    ...[
      '{1..3}',
      '{3..1}',
      '{01..10..3}',
      '{-2..2}',
      '{-01..1}',
      '{a..e}',
      '{e..a..2}',
      '{a..1}',
      '{1..3..0}',
      '{1..}',
      '{..}',
    ],
    ...[
      '\\{a,b}',
      '{a\\,b,c}',
      '{a,b\\}',
      '{a..b,c}',
      '{1..2}{a,b}',
      '{x,{1..3}}',
      '{9..11}',
      '{1..3..-1}',
      '{A..c..20}',
    ],
  ])('stand for what they do in a shell: %s', (pattern) => {
    const shell = execFileSync('bash', ['-c', `printf '%s\\n' ${pattern}`], { encoding: 'utf8' });
    const ours = expandBraces(pattern).map((each) => each.replace(/\\(.)/g, '$1'));
    expect(ours).toEqual(shell.split('\n').slice(0, -1));
  });

  it('stand for a thousand patterns at most', () => {
    expect(expandBraces('{a,b}{1..500}')).toHaveLength(1000);
    expect(() => expandBraces('{a,b}{1..501}')).toThrow('stand for more than 1000 patterns');
    expect(() => expandBraces('{1..1001}')).toThrow('stand for more than 1000 patterns');
    expect(() => expandBraces('{a,b}'.repeat(5000))).toThrow('stand for more than 1000 patterns');
  });
});
