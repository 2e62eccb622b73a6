import { describe, expect, it } from 'vitest';
import { batchx, file } from './program.js';

/** The first rows wait for the schema to be compiled: the others must not overtake them. */
const steps = [{ map: '({ n }) => ({ n, half: n / 2 })' }, { validate: { type: 'object', required: ['half'] } }];
const items = Array.from({ length: 300 }, (_, n) => ({ n }));
const rows = items.map(({ n }) => `{"n":${n},"half":${n / 2}}\n`).join('');

const run = (name: string, keys: object, ...args: string[]): string =>
  batchx(['run', file(name, JSON.stringify({ input: { items }, output: [{ jsonl: '-' }], ...keys })), ...args]).stdout;

const sorted = (text: string): string[] => text.split('\n').sort();

describe('the order of what a pipeline writes', () => {
  it('is that of the input where steps only work in memory', () => {
    expect(run('order.json', { steps })).toBe(rows);
  });

  it('is that in which items are done where a step says how many at once, or it is asked for', () => {
    const [map, validate] = steps;
    for (const out of [
      run('own.json', { steps: [{ ...map, concurrency: 4 }, validate] }),
      run('asked.json', { steps }, '--no-keep-order'),
    ]) {
      expect(out).not.toBe(rows);
      expect(sorted(out)).toEqual(sorted(rows));
    }
  });

  it('is that of the input with --keep-order, whatever the steps', () => {
    const slow = { map: 'new Promise((go) => setTimeout(go, data.n === 0 ? 50 : 0, data))', concurrency: 8 };
    const all = run('kept.json', { steps: [slow, ...steps] }, '-k');
    expect(all).toBe(rows);
    expect(run('loose.json', { steps: [slow, ...steps] })).not.toBe(rows);
  });
});
