/** Characters that take one column in every terminal; any other is taken for a wide one, so that no line gets too long. */
const NARROW = /^[\u0020-\u007e\u00a0-\u02af…·]$/;

/** How many columns a text takes at most. */
export function widthOf(text: string): number {
  let width = 0;
  for (const char of text) width += NARROW.test(char) ? 1 : 2;
  return width;
}

/** A text in so many columns; `…` stands for the end that has no room. */
export function cutToWidth(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let width = 0;
  let end = 0;
  for (const char of text) {
    width += widthOf(char);
    if (width > columns - 1) break;
    end += char.length;
  }
  return columns < 1 ? '' : `${text.slice(0, end)}…`;
}
