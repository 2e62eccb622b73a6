import { describe, expect, it } from 'vitest';
import { builtin } from '../src/builtin.js';
import { rowFlags } from '../src/cli/row-flags.js';
import { builtinRows } from '../src/builtin-rows.js';
import { flagsOf } from '../src/cli/flags.js';

describe('the components for rows', () => {
  it('are some of all components', () => {
    expect(builtin.all).toEqual(expect.arrayContaining([...builtinRows.all]));
  });

  it('are every source and every sink that a flag can name', () => {
    const choices = (name: string): readonly string[] =>
      flagsOf(rowFlags).find((flag) => flag.name === name)?.choices ?? [];
    const names = (kind: 'source' | 'sink'): string[] =>
      builtinRows.all.filter((each) => each.kind === kind).map((each) => each.name);
    expect(choices('in').length).toBeGreaterThan(2);
    expect(names('source')).toEqual(expect.arrayContaining([...choices('in')]));
    expect(names('sink')).toEqual(expect.arrayContaining([...choices('out')]));
  });
});
