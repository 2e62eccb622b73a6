import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Goal {
  readonly met: boolean | undefined;
}
type Goals = (what: string, at: number | undefined, goal: number, unit?: string) => Goal;

const report = join(fileURLToPath(new URL('../..', import.meta.url)), 'bench/lib/report.mjs');
const { atLeast, atMost, figure } = (await import(pathToFileURL(report).href)) as {
  atLeast: Goals;
  atMost: Goals;
  figure: (goal: Goal) => string;
};

describe('what a bench prints', () => {
  it.each<[Goal, string]>([
    [atMost('', 0.481, 0.5, 'us a call'), '0.48 us a call'],
    [atMost('', 0.5049, 0.5, 'us a call'), '0.505 us a call'],
    [atMost('', 5.02, 5, 'ms'), '5.02 ms'],
    [atMost('', 5.0004, 5, 'ms'), '5.0004 ms'],
    [atMost('', 4.98, 5, 'ms'), '5.0 ms'],
    [atMost('', 54.3, 60, 'MB'), '54 MB'],
    [atMost('', 150.3, 150, 'MB'), '150.3 MB'],
    [atMost('', 0.00042, 1, 'ms'), '0.00042 ms'],
    [atMost('', 0, 0, ''), '0'],
    [atMost('', undefined, 5, 'ms'), '-'],
    [atLeast('', 3.297, 3.3), '3.297 x'],
    [atLeast('', 3.5, 3.3), '3.50 x'],
    [atLeast('', 97.96, 98, '%'), '97.96 %'],
  ])('of %o is %s', (goal, text) => {
    expect(figure(goal)).toBe(text);
  });
});
