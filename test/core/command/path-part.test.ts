import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type PathPart, partOf } from '../../../src/core/command/path-part.js';
import { argumentsIn, itNeeds, parallel } from './programs.js';

const parts: readonly PathPart[] = ['', '.', '/', '//', '/.'];
const names = [
  'photo.png',
  'dir/photo.png',
  '/abs/photo.tar.gz',
  'dir.d/name',
  'dir.d/name.x',
  'bare',
  '.profile',
  'dir/.profile',
  'dir/.profile.bak',
  'end.',
  'a..b',
  '.',
  '..',
  'a/..',
  '/x',
  '/',
  '//',
  '//x',
  'a//b',
  'a//b//c.d',
  './a',
  'a/./b.c',
  '',
  ' ',
  ' a b/c d.e f',
  "it's/a.b",
  '-rf',
  '-/-.-',
  'é/ü.日',
  'a.b/',
  'dir/sub/',
  'dir//',
  'a/b\nc/d.e',
  'x\n.y',
  'a.b\n',
];

const slashAtEnd = (name: string): boolean => name.endsWith('/');

itNeeds('parallel', 'the parts of a path are those of GNU parallel', () => {
  const random = fc.sample(
    fc.string({ unit: fc.constantFrom('a', 'b', '.', '/', ' ', "'", '-', 'é'), maxLength: 9 }),
    150,
  );
  // Told apart in the documents: a slash at the end is no name, and a line break is a character as any other.
  const compared = [...names, ...random].filter((name) => !(slashAtEnd(name) || name.includes('\n')));
  const lines = parallel(['-0', '--dry-run', 'p {} {.} {/} {//} {/.}'], compared.map((name) => `${name}\0`).join(''));
  const expected = argumentsIn('bash', lines)
    .map(String)
    .filter((_, i) => i % 7 < 5);
  expect(compared.flatMap((name) => parts.map((part) => partOf(name, part)))).toEqual(expected);
});

it.each([
  ['a/b/', 'b', 'a', 'b'],
  ['a/b.c//', 'b.c', 'a', 'b'],
  ['/', '/', '/', '/'],
  ['//', '/', '/', '/'],
  ['a/b\nc/d.e', 'd.e', 'a/b\nc', 'd'],
  ['x\n.y', 'x\n.y', '.', 'x\n'],
])('of %j the name is %j, the folder %j, the name without extension %j', (path, name, folder, stem) => {
  expect([partOf(path, '/'), partOf(path, '//'), partOf(path, '/.')]).toEqual([name, folder, stem]);
});

it('the parts of bytes are bytes, and text where they can be', () => {
  const path = Buffer.from('d\xff/caf\xc3\xa9.x\xfe', 'latin1');
  expect(partOf(path, '')).toBe(path);
  expect(partOf(path, '.')).toEqual(Buffer.from('d\xff/caf\xc3\xa9', 'latin1'));
  expect(partOf(path, '/.')).toBe('café');
  expect(partOf(path, '//')).toEqual(Buffer.from('d\xff', 'latin1'));
});
