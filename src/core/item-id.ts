import { compileExpression, expression, type Expression } from './expression.js';
import type { Item } from './item.js';

/** The option of a source that names its items. */
export const itemId = () =>
  expression()
    .optional()
    .describe('What an item is called, as an expression over `data`; its place in the input unless said.');

/** Gives an item the id that the `itemId` option says; undefined when it says nothing. What the expression throws is thrown. */
export function namer(id: Expression | undefined): ((item: Item) => Item) | undefined {
  if (id === undefined) return undefined;
  const idOf = compileExpression(id);
  return (item) => item.withExtra({ id: String(idOf(item.data, item)) });
}
