import { BatchxError } from './errors.js';
import { exactText } from './exact.js';
import { compileExpression, type DataFunction, expression, type Expression } from './expression.js';
import type { Item } from './item.js';
import { isPromiseLike } from './promise.js';
import { compileTemplate, scopeOf } from './template.js';

/** The option of a source that names its items. An expression that does not parse does not fit. */
export const itemId = () =>
  expression()
    .superRefine((source, context) => {
      try {
        idBy(source);
      } catch (error) {
        context.addIssue({ code: 'custom', message: BatchxError.from(error).message });
      }
    })
    .optional()
    .describe(
      'What an item is called: an expression over `data` that gives text or a number, or a template such as `{{ sku }}`; its place in the input unless said.',
    );

/** Gives an item the id that the `itemId` option says; undefined when it says nothing. What gives no id throws. */
export function namer(id: Expression | undefined): ((item: Item) => Item) | undefined {
  if (id === undefined) return undefined;
  const idOf = idBy(id);
  return (item) => item.withExtra({ id: textOf(idOf(item.data, item)) });
}

/** What gives an id: a template, such as `{{ sku }}`, or an expression. */
function idBy(source: Expression): DataFunction {
  if (typeof source === 'function' || !source.includes('{{')) return compileExpression(source);
  const template = compileTemplate(source, 'id');
  return (_, item) => template.render(scopeOf(item));
}

function textOf(id: unknown): string {
  if (typeof id === 'string' && id !== '') return id;
  if (typeof id === 'bigint') return String(id);
  if (typeof id === 'number' && Number.isFinite(id)) return exactText(id, 'id');
  if (isPromiseLike(id)) id.then(undefined, () => undefined);
  throw new BatchxError('expression', `expected \`id\` to give text or a number, got ${kindOf(id)}`);
}

function kindOf(value: unknown): string {
  if (value === '') return 'empty text';
  if (isPromiseLike(value)) return 'a promise';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'symbol' || typeof value === 'function' ? `a ${typeof value}` : String(value);
}
