import { describe, expect, it } from 'vitest';
import { compileExpression, expression } from '../../src/core/expression.js';
import { Item } from '../../src/core/item.js';

const evaluate = (text: string, data: unknown): unknown => compileExpression(text)(data, Item.of(data));

describe('compileExpression', () => {
  describe('takes for a function', () => {
    it.each([
      ['data => data.a', 1],
      ['x=>x.a', 1],
      ['({ a }) => a', 1],
      ['({a = ")"}) => a', 1],
      ['({ b = "=>" }) => b', '=>'],
      ['({ a, ...rest }) => [a, rest]', [1, { items: [1, 2], 'b c': 2 }]],
      ['(data, item) => item.data.a', 1],
      ['() => 7', 7],
      ['function ({a}) { return a }', 1],
      ['function named(data) { return data.a }', 1],
      ['/* why */ // and why\nfunction ({ a }) { return a }', 1],
      ['  \n ({ a }) => a', 1],
      ['// why\n({ a }) => a', 1],
      ['/* why */ data => data.a', 1],
      ['data => data.a // and why', 1],
      ['data => data.a /* and why */', 1],
      ['(data => data.a)', undefined],
      ['data =>\n  data.a', 1],
      ['({ a }) => { const b = a + 1; return b }', 2],
      ['data => `${data.a}`', '1'],
      ['data => ({ id: data.a })', { id: 1 }],
      ['data => /=>/.test(data.a)', false],
    ])('%s', (text, result) => {
      const given = evaluate(text, { a: 1, items: [1, 2], 'b c': 2 });
      // A function in brackets is a value like any other: it is the data, not the step.
      if (result === undefined) expect(given).toBeTypeOf('function');
      else expect(given).toEqual(result);
    });

    it.each([
      ['async ({a}) => a', 1],
      ['async data => data.a', 1],
      ['async function ({ a }) { return a }', 1],
      ['async data => { await null; return data.a }', 1],
    ])('%s', async (text, result) => {
      const given = evaluate(text, { a: 1 });
      expect(given).toBeInstanceOf(Promise);
      expect(await given).toBe(result);
    });
  });

  describe('takes for an expression', () => {
    it.each([
      ['data.a', 1],
      ['(data.items).map(x => x * 2)', [2, 4]],
      ['(data.items).map((x) => x * 2)', [2, 4]],
      ['data.items.filter(x => x > 1)', [2]],
      ['{id: data.a}', { id: 1 }],
      ['{ "id": data.a, ...data.more }', { id: 1 }],
      ['data.a = 3, data.a', 3],
      ['data["a"] += 3', 4],
      ['(data.a) = 3, data', { a: 3, items: [1, 2] }],
      ['data.a ** 2', 1],
      ['-data.a', -1],
      ['data.a ? data.items : x => x', [1, 2]],
      ['data.missing ?? (x => x)(5)', 5],
      ['((x) => x + 1)(data.a)', 2],
      ['(function (x) { return x + 1 })(data.a)', 2],
      ['(({ a }) => a)(data)', 1],
      ['data.a // => x', 1],
      ['data.a /* => x */', 1],
      ['`${data.a} => ${data.items.map((x) => x)}`', '1 => 1,2'],
      ['"=> " + data.a', '=> 1'],
      ['/=>/.test("=>")', true],
      ['item.data.a', 1],
      ['item.id', '#1'],
      ['data\n  .a', 1],
      ['typeof data.f', 'undefined'],
      ['[data.a, (x => x)(2)]', [1, 2]],
      ['"async x => x"', 'async x => x'],
      ['data.a, 5', 5],
      ['void 0 ?? "none"', 'none'],
    ])('%s', (text, result) => {
      expect(evaluate(text, { a: 1, items: [1, 2] })).toEqual(result);
    });
  });

  it('runs nothing of an expression before there is data', () => {
    const world = globalThis as { calls?: number; count?: () => number };
    world.calls = 0;
    world.count = () => ++(world.calls as number);
    try {
      for (const text of [
        'data.n = count(), data',
        'count()',
        'count() ** 2',
        'data.a[count()] ||= 1',
        'data.n ??= count()',
      ]) {
        compileExpression(text);
        expect([text, world.calls]).toEqual([text, 0]);
      }
      expect(evaluate('data.n = count(), data', {})).toEqual({ n: 1 });
    } finally {
      delete world.calls;
      delete world.count;
    }
  });

  it.each([
    ['', 'Unexpected token'],
    ['data.', 'Unexpected end of input'],
    ['data.a;', "Unexpected token ';'"],
    ['return data.a', 'Illegal return statement'],
    ['{a} => a', "Unexpected token '=>'"],
    ['const a = 1', "Unexpected token 'const'"],
    ['data.a)', "Unexpected token ')'"],
    ['(data.a', 'Unexpected end of input'],
    ['data.a) || (data.b', "Unexpected token ')'"],
    ['data.a]; [data.b', 'Unexpected token'],
    ['"open', 'Invalid or unexpected token'],
    ['data.a /* open', 'Invalid or unexpected token'],
    ['await data.a', 'await is only valid in async functions'],
    ['data\n=> data.a', 'Unexpected token'],
  ])('says what is wrong with %j', (text, message) => {
    expect(() => compileExpression(text)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringMatching(/^the expression does not parse: SyntaxError: /) as string,
      }),
    );
    expect(() => compileExpression(text)).toThrow(message);
    expect(() => compileExpression(text)).toThrow(`, in ${JSON.stringify(text)}`);
  });

  it.each(['() => data', '() => item', 'function () { return data }', '(item) => data'])(
    'gives a function only what it takes: %s',
    (text) => {
      expect(() => evaluate(text, {})).toThrow(ReferenceError);
    },
  );

  it('repeats at most 200 characters of it', () => {
    const text = `data.${'x'.repeat(300)} +`;
    expect(() => compileExpression(text)).toThrow(new RegExp(`, in "data\\.x{195}"\\.\\.\\.$`));
  });

  it('keeps a message on one line', () => {
    expect(() => compileExpression('data.a\n  +')).toThrow(/^[^\n]*in "data\.a\\n {2}\+"$/);
  });

  it('is strict: names that nobody declared are errors of the item', () => {
    expect(() => evaluate('total = 3', {})).toThrow('total is not defined');
  });

  it('calls a function of the code as it is', () => {
    const project = (data: { a: number }) => data.a;
    expect(compileExpression(project as never)).toBe(project);
  });

  it('may speak of other things than data and item', () => {
    expect(compileExpression('left.n + right.n', ['left', 'right'])({ n: 1 }, { n: 2 })).toBe(3);
    expect(compileExpression('(left, right) => left.n - right.n', ['left', 'right'])({ n: 1 }, { n: 2 })).toBe(-1);
  });
});

describe('expression', () => {
  it('takes text and functions', () => {
    expect(expression().parse('data.a')).toBe('data.a');
    const project = () => 1;
    expect(expression().parse(project)).toBe(project);
  });

  it('refuses what is neither', () => {
    expect(expression().safeParse('').success).toBe(false);
    expect(expression().safeParse(5).success).toBe(false);
  });
});
