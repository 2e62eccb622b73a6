import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Item } from '../../src/core/item.js';
import { compileTemplate, scopeOf } from '../../src/core/template.js';

const render = (text: string, data: unknown, extra = {}): string =>
  compileTemplate(text).render(scopeOf(Item.of(data, { seq: 4, id: 'four', metadata: { line: 7 }, ...extra })));

class Entry {
  readonly #path = 'src/a.py';
  get relative(): string {
    return this.#path;
  }
  size(): number {
    return 3;
  }
}

describe('compileTemplate', () => {
  it('inserts the fields of the data, and what else an item has', () => {
    const data = { sku: 'a-1', n: 0, no: false, big: 12n, price: { net: 1.5 }, tags: ['x', 'y'], at: new Date(0) };
    expect(render('{{ sku }}: {{n}} {{  no  }} {{ big }} {{ price.net }} {{ tags.1 }}', data)).toBe(
      'a-1: 0 false 12 1.5 y',
    );
    expect(render('{{ data.sku }} {{ id }} {{ index }} {{ metadata.line }}', data)).toBe('a-1 four 4 7');
    expect(render('{{ price }} {{ tags }} {{ at }}', data)).toBe('{"net":1.5} ["x","y"] 1970-01-01T00:00:00.000Z');
    expect(render('{{ data }}', 'text')).toBe('text');
  });

  it('prefers the fields of the data to the id and the index, but not to `data` and `metadata`', () => {
    const data = { id: 'own', index: 'first', data: 'inner', metadata: 'mine' };
    expect(render('{{ id }} {{ index }} {{ data.data }} {{ metadata.line }}', data)).toBe('own first inner 7');
  });

  it('sees the getters of a class, and nothing that every object has', () => {
    expect(render('{{ relative }}', new Entry())).toBe('src/a.py');
    for (const name of ['constructor', 'toString', '__proto__', 'size', 'hasOwnProperty'])
      expect(() => render(`{{ ${name} }}`, new Entry())).toThrow(`\`${name}\` is not known`);
    expect(render('{{ __proto__ }}', JSON.parse('{"__proto__":"own"}'))).toBe('own');
  });

  it('does not look at values again, and takes single braces as they are', () => {
    expect(render('{{ a }}{{ b }} {"x": {y}} }} {', { a: '{{ b }}', b: '$& {{ a }}' })).toBe(
      '{{ b }}$& {{ a }} {"x": {y}} }} {',
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', ' ', 'a', '$', '&', '%', '|') }), (value) => {
        expect(render('<{{ a }}>', { a: value })).toBe(`<${value}>`);
      }),
    );
  });

  it('reads bytes as text, and refuses those that are none', () => {
    expect(render('<{{ content }}>', { content: Buffer.from('ä') })).toBe('<ä>');
    expect(() => render('<{{ content }}>', { content: Buffer.from([0xff]) })).toThrow(
      '`content` is bytes that are no text',
    );
  });

  it('says which name is not known, and which is meant or there are', () => {
    expect(() => render('{{ skuu }}', { sku: 1 })).toThrow('template: `skuu` is not known; did you mean "sku"?');
    expect(() => render('{{ x }}', { sku: 1 })).toThrow(
      'template: `x` is not known; there are `sku`, `data`, `id`, `index`, `metadata`',
    );
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`field_${n}`, n]));
    expect(() => render('{{ x }}', many)).toThrow(/`field_19`, and 14 more$/);
  });

  it('refuses values that are not there', () => {
    expect(() => render('{{ a }}', { a: null })).toThrow('template: `a` is null, expected a value');
    expect(() => render('{{ a }}', { a: undefined })).toThrow('template: `a` is nothing, expected a value');
    expect(() => render('{{ a.b }}', { a: {} })).toThrow('template: `a.b` leads to nothing, expected a value');
    expect(() => render('{{ a.b.c }}', { a: 5 })).toThrow('template: `a.b.c` leads to nothing, expected a value');
    expect(() => render('{{ a }}', { a: Symbol('s') })).toThrow('expected `a` to be a value, got a symbol');
  });

  it.each([
    ['{{ }}', '`{{ }}` names nothing'],
    ['{{ a | upcaze }}', 'undefined filter: upcaze'],
    ['{% if a %}x', 'tag {% if a %} not closed'],
    ['{% include "x" %}', 'tag "include" not found'],
    ['{{ a + b }}', 'expected a name such as `sku` or `data.price`, got `a + b`'],
    ['{{ a.. }}', 'got `a..`'],
    ['x {{ a', '`{{` without a `}}` after it, in "x {{ a"'],
    ['{{ a }} {{ b }', '`{{` without a `}}` after it'],
  ])('refuses %s', (text, says) => {
    expect(() => compileTemplate(text)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(says) }),
    );
  });

  it('tells its names, and whether it is one place alone', () => {
    expect(compileTemplate('{{ a }}-{{ b.c }}')).toMatchObject({ names: ['a', 'b.c'], only: undefined });
    expect(compileTemplate('{{ a.b }}').only).toBe('a.b');
    expect(compileTemplate('{{ a }}\n').only).toBeUndefined();
    expect(compileTemplate('').render(scopeOf(Item.of(1)))).toBe('');
  });

  it('has a hint for single braces around a name that there is', () => {
    const scope = scopeOf(Item.of({ sku: 1 }));
    expect(compileTemplate('{sku}.json', 'path').hint(scope)).toBe(
      'path: `{sku}` stands as it is, as single braces mean nothing; write `{{ sku }}` for the value',
    );
    for (const text of ['{{ sku }}', '{other}', '{"sku": 1}', '{ return sku }', '{{{ sku }}}'])
      expect(compileTemplate(text).hint(scope)).toBeUndefined();
  });

  it('looks up outputs before the data, what the source read behind them, and the context last', () => {
    const read = Item.of({ sku: 1, relative: 'a/b' }).withData({ sku: 2 });
    const scope = scopeOf(read.withExtra({ outputs: { text: 'T', id: 'own' } }), { config: { x: 3 }, sku: 'never' });
    expect(compileTemplate('{{ text }} {{ id }} {{ sku }} {{ relative }} {{ config.x }}').render(scope)).toBe(
      'T own 2 a/b 3',
    );
    expect(scope.names()).toEqual(['text', 'id', 'sku', 'relative', 'data', 'index', 'metadata', 'config']);
  });

  it('does what Liquid does with tags and filters, and looks at nothing again', () => {
    const data = { name: 'Ann', tags: ['{{ name }}', '{% x %}'], price: { net: 1.5 }, none: null };
    expect(render('{% for tag in tags %}[{{ tag }}]{% endfor %}', data)).toBe('[{{ name }}][{% x %}]');
    expect(render('{{ name | upcase }} {{ tags | size }} {{ tags[1] }} {{ price | json }} {{ price }}', data)).toBe(
      'ANN 2 {% x %} {"net":1.5} {"net":1.5}',
    );
    expect(render('{% if missing %}a{% else %}b{% endif %}  {{- name -}}  .', data)).toBe('bAnn.');
    expect(render('{{ relative | append: ".md" }}', new Entry())).toBe('src/a.py.md');
  });

  it.each([
    ['{{ nmae | upcase }}', '`nmae` is not known; did you mean "name"?'],
    ['{{ price.gross | round }}', '`price.gross` leads to nothing'],
    ['{{ constructor | json }}', '`constructor` is not known'],
    ['{{ name.constructor | json }}', '`name.constructor` leads to nothing'],
    ['{% for i in (1..100000000) %}x{% endfor %}', 'limit exceeded'],
  ])('fails where %s leads nowhere', (text, says) => {
    const data = { name: 'Ann', price: { net: 1.5 } };
    expect(() => render(text, data)).toThrow(
      expect.objectContaining({ code: 'expression', message: expect.stringContaining(says) }),
    );
  });

  it('tells the names that tags and filters speak of', () => {
    expect(
      compileTemplate('{% assign q = a.b %}{{ q | upcase }}{% for x in list %}{{ x.y }}{{ z | json }}{% endfor %}')
        .names,
    ).toEqual(['a.b', 'list', 'z']);
  });
});
