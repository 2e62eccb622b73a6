/**
 * Where a character of a text of several lines stands in the YAML that says it, which has indentation, and for `>` line
 * breaks in the place of blanks. `from` and `to` are where the scalar begins and ends in it. Undefined where that cannot be
 * told, as with escapes, and for a text that begins and ends on one line.
 */
export function placeInText(
  yaml: string,
  [from, to]: readonly [number, number],
  value: string,
  at: number,
): number | undefined {
  const written = yaml.slice(from, to);
  if (!written.trimEnd().includes('\n')) return undefined;
  const isBlock = /^[|>]/.test(written);
  // The first line of a block is `|` and what may stand behind it; quotes are no part of the text.
  let offset = isBlock ? written.indexOf('\n') + 1 : /^["']/.test(written) ? 1 : 0;
  const end = /^["']/.test(written) ? written.length - 1 : written.length;
  let read = 0;
  while (offset < end) {
    const next = written.indexOf('\n', offset) + 1 || end;
    const line = written.slice(offset, Math.min(next, end));
    const content = line.trim();
    const indent = line.length - line.trimStart().length;
    offset = next;
    if (content === '') continue;
    const start = value.indexOf(content, read);
    if (start < 0 || value.slice(read, start).trim() !== '') return undefined;
    read = start + content.length;
    if (at < start || at > read) continue;
    return from + offset - line.length + indent + at - start;
  }
  return undefined;
}
