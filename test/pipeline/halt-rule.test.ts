import { describe, expect, it } from 'vitest';
import { haltRule, toHaltRules } from '../../src/pipeline/halt-rule.js';

describe('toHaltRules', () => {
  it.each([
    ['never', []],
    ['0', []],
    ['soon,fail=1', ['soon fail 1']],
    ['now,fail=3', ['now fail 3']],
    ['soon,fail=30%', ['soon fail 30%']],
    ['now,success=1', ['now success 1']],
    ['soon,success=3%', ['soon success 3%']],
    ['soon,done=10%', ['soon done 10%']],
    ['now,done=100', ['now done 100']],
    ['1', ['soon fail 1']],
    ['2', ['now fail 1']],
    ['-1', ['soon success 1']],
    ['-2', ['now success 1']],
    ['5%', ['soon fail 5%']],
    ['99%', ['soon fail 99%']],
    ['soon,fail=3,now,fail=10', ['soon fail 3', 'now fail 10']],
    ['now,fail=3,success=10', ['now fail 3', 'now success 10']],
  ])('reads %s', (text, rules) => {
    const read = toHaltRules(text);
    expect(read.map(({ when, why, amount, percent }) => `${when} ${why} ${amount}${percent ? '%' : ''}`)).toEqual(
      rules,
    );
    expect(haltRule().parse(text)).toBe(text);
    // What a rule is said to be is a rule again.
    for (const rule of read) expect(toHaltRules(rule.said)).toEqual([rule]);
  });

  it.each([
    ['3', 'soon,fail=3'],
    ['-3', 'soon,success=3'],
    ['0%', 'soon,fail=1%'],
    ['101%', 'soon,fail=100%'],
    ['soon', 'soon,fail=1'],
    ['soon,fail', 'soon,fail=1'],
    ['fail=3', 'soon,fail=3'],
    ['soon,fail=0', 'soon,fail=1'],
    ['now,fail=150%', 'now,fail=100%'],
    ['soon,fail,3', 'soon,fail=3'],
    ['soon, fail=3', 'soon,fail=3'],
    ['NOW,FAIL=2', 'now,fail=2'],
    ['now,failed=2', 'now,fail=2'],
    ['son,sucess=2', 'soon,success=2'],
    ['now,done=-5', 'now,done=5'],
    ['nver', 'never'],
    ['now,soon,fail=1', 'now,fail=1'],
    ['soon,fail=1,now', 'soon,fail=1'],
    ['never,soon,fail=1', 'soon,fail=1'],
    ['soon,fail=1.5', 'soon,fail=1'],
    ['', undefined],
    ['whenever it breaks', undefined],
  ])('refuses %j, and names what is nearest', (text, near) => {
    const { error } = haltRule().safeParse(text);
    const [issue] = error?.issues ?? [];
    expect(issue?.message).toContain('expected never or rules such as "soon,fail=3"');
    expect(issue?.message).toContain(`got ${JSON.stringify(text)}`);
    expect(/did you mean "(.*)"\?$/.exec(issue?.message ?? '')?.[1]).toBe(near);
    expect(() => toHaltRules(text)).toThrow(expect.objectContaining({ code: 'usage' }));
    if (near !== undefined) expect(() => toHaltRules(near)).not.toThrow();
  });

  it('refuses what is no text', () => {
    expect(haltRule().safeParse(3).error?.issues[0]?.message).toContain('got 3 (number)');
  });
});
