import { relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OwnFiles } from '../../src/core/own-files.js';

describe('OwnFiles', () => {
  const outputs = ['out.jsonl', './docs//made', resolve('report.json'), '../beside.json'];

  it('knows what is written to by any path, and the state', () => {
    const own = new OwnFiles({ outputs, state: '.state/job' });
    const isOwn = own.below('');
    const mine = [
      'out.jsonl',
      './out.jsonl',
      resolve('out.jsonl'),
      'docs/made/a/b',
      'a/../report.json',
      '.state/job/x',
    ];
    for (const path of [...mine, relative('', resolve('../beside.json')), 'a/.batchx-1-b'])
      expect(isOwn(path), path).toBe(true);
    expect(own.left).toBe(mine.length + 2);
    for (const path of [
      'out.jsonl2',
      'a/out.jsonl',
      'docs/madeup',
      'docs/x',
      '.state/jobs',
      'a.batchx-1',
      '.batchx-a/b',
    ])
      expect(isOwn(path), path).toBe(false);
    expect(own.left).toBe(mine.length + 2);
  });

  it('gives what is in a folder of outputs to those who read from there, but never the state', () => {
    const own = new OwnFiles({ outputs, state: '.state/job' });
    expect(own.below('docs/made')('docs/made/a')).toBe(false);
    expect(own.below('docs/made/')('docs/made/a')).toBe(false);
    expect(own.below('docs')('docs/made/a')).toBe(true);
    expect(own.below('.state/job/runs')('.state/job/runs/a')).toBe(true);
  });

  it('knows what is written for items, from when it is written on, or as the job says', () => {
    const own = new OwnFiles({ outputs: [] });
    const isOwn = own.below('.');
    expect(isOwn('a.txt')).toBe(false);
    own.add(resolve('a.txt'));
    expect([isOwn('a.txt'), isOwn('./a.txt'), isOwn('b.txt')]).toEqual([true, true, false]);
    const asked = new OwnFiles({ outputs: [], wrote: (path) => path === 'b.txt' });
    expect([asked.below('')(resolve('b.txt')), asked.below('')('a.txt')]).toEqual([true, false]);
  });
});
