import { BatchxError } from './errors.js';
import { exactJson, exactText } from './exact.js';
import { compileLiquid } from './liquid-template.js';
import { didYouMean } from './suggest.js';
import type { Scope, Template } from './template-scope.js';

export { type Scope, scopeOf, type Template } from './template-scope.js';

/** What needs the whole of Liquid: a tag, a filter, text in quotes, an element by its number, or no space around. */
const tag = /\{%|\{\{-|\{\{[^{}]*(?:[|[\]"'][^{}]*|-)\}\}/;
const place = /\{\{([^{}]*)\}\}/g;
const path = /^[\p{ID_Start}_$][\p{ID_Continue}$-]*(?:\.[\p{ID_Continue}$-]+)*$/u;
const single = /(?<!\{)\{\s*([\p{ID_Start}_$][\p{ID_Continue}$.-]*)\s*\}(?!\})/gu;

/**
 * Compiles a text in which `{{ name }}` or `{{ a.b }}` stands for a value, with the tags and filters of Liquid, such as
 * `{% for %}` and `{{ name | upcase }}`; none of them reads a file. `of` is what messages call it.
 *
 * Single braces mean nothing. What is inserted is not looked at again, whatever it contains. A text that cannot be
 * understood throws.
 *
 * @example
 * import { Item } from './item.js';
 * import { compileTemplate, scopeOf } from './template.js';
 *
 * const greeting = compileTemplate('{{ name }} is {{ data.age }}, {as before}');
 * greeting.render(scopeOf(Item.of({ name: '{{ age }}', age: 7 }))); // '{{ age }} is 7, {as before}'
 */
export function compileTemplate(text: string, of = 'template'): Template {
  const wrong = (what: string): never => {
    throw new BatchxError('usage', `${of}: ${what}, in ${shorten(text)}`);
  };
  if (tag.test(text)) return compileLiquid(text, of, wrong, textOfValue);
  // Texts and names by turns, as `split` gives what the brackets of the pattern hold.
  const parts = text.split(place);
  const texts = parts.filter((_, i) => i % 2 === 0);
  const names = parts.filter((_, i) => i % 2 === 1).map((inner) => nameIn(inner.trim(), wrong));
  const open = texts.find((part) => part.includes('{{'));
  if (open !== undefined) wrong('`{{` without a `}}` after it');
  return {
    text,
    names,
    only: names.length === 1 && texts.every((part) => part === '') ? names[0] : undefined,
    render(scope, textOf = textOfValue) {
      let result = texts[0] as string;
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as string;
        result += textOf(valueOf(scope, name, of), name) + (texts[i + 1] as string);
      }
      return result;
    },
    hint(scope) {
      for (const part of texts) {
        for (const [braced, name = ''] of part.matchAll(single)) {
          if (scope(name) === undefined) continue;
          return `${of}: \`${braced}\` stands as it is, as single braces mean nothing; write \`{{ ${name} }}\` for the value`;
        }
      }
      return undefined;
    },
  };
}

function nameIn(inner: string, wrong: (what: string) => never): string {
  if (path.test(inner)) return inner;
  if (inner === '') return wrong('`{{ }}` names nothing');
  return wrong(`expected a name such as \`sku\` or \`data.price\`, got \`${inner}\``);
}

/** The value that a template inserts for a name. One that is not there, or is null, throws. */
export function valueOf(scope: Scope, name: string, of = 'template'): unknown {
  const value = scope(name);
  if (value !== undefined && value !== null) return value;
  const [first = '', ...rest] = name.split('.');
  const known = scope.names();
  if (!known.includes(first)) {
    const names = known.slice(0, SHOWN).map((each) => `\`${each}\``);
    const more = known.length > SHOWN ? `, and ${known.length - SHOWN} more` : '';
    const hint = didYouMean(first, known) || `; there are ${names.join(', ')}${more}`;
    throw new BatchxError('expression', `${of}: \`${first}\` is not known${hint}`);
  }
  const empty = rest.length === 0 || value === null ? 'is' : 'leads to';
  const what = value === null ? 'null' : 'nothing';
  throw new BatchxError('expression', `${of}: \`${name}\` ${empty} ${what}, expected a value`);
}

/** So many names are told of where one is unknown. */
const SHOWN = 20;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A value as text: text as it is, numbers and the like as JavaScript writes them, bytes as UTF-8, the rest as JSON. A
 * number that may not be the one that was written throws.
 */
export function textOfValue(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return exactText(value, name);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) {
    try {
      return utf8.decode(value);
    } catch (error) {
      throw new BatchxError(
        'encode',
        `\`${name}\` is bytes that are no text; alone, as \`{{ ${name} }}\`, they stay bytes`,
        {
          cause: error,
        },
      );
    }
  }
  const text = exactJson(value, name);
  if (text === undefined) throw new BatchxError('encode', `expected \`${name}\` to be a value, got a ${typeof value}`);
  return text;
}

const shorten = (text: string): string => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text);
