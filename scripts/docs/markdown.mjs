/** Pieces of Markdown that both pages are made of. */

export const generated = '<!-- Written by `npm run docs` from the sources: change those. -->';

/** A table; one without rows is nothing. */
export function table(head, rows) {
  if (rows.length === 0) return [];
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line), ''];
}

const cell = (text) => text.replaceAll('\n', ' ').replaceAll('|', '\\|');

/** Code in a line of text. A bar would end the cell of a table, and is masked by `table`. */
export const code = (text) => '`' + text.replaceAll(/\s+/g, ' ') + '`';

/** A block of code; what follows the language says that it is no example to be compiled. */
export const block = (language, text) => ['```' + language, text, '```', ''];

/** The default of an option as its schema has it, or as its description says it. */
export function defaultOf({ required, description, default: value }) {
  if (value !== undefined) return code(JSON.stringify(value));
  return required ? 'required' : (/[;,] ([^;,]+) unless said\b/.exec(description)?.[1] ?? '');
}

/** The anchor that a heading is given where Markdown is shown. */
export const anchor = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');

export const link = (text, to) => `[${text}](${to})`;
