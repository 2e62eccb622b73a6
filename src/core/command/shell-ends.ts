import { fault } from './fault.js';

/** Where what comes after a backquoted command begins. */
export function endOfBackquotes(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '`') return at + 1;
  }
  return fault(text, open, 'a backquote is opened and not closed');
}

/** Where what comes after a `${ }` begins. */
export function endOfParameter(text: string, open: number, inDouble: boolean): number {
  for (let at = open + 2; at < text.length;) {
    const char = text[at];
    if (char === '}') return at + 1;
    if (char === "'" && inDouble) fault(text, at, 'shells differ on `\'` in `"${ }"`');
    at = past(text, at, inDouble);
  }
  return fault(text, open, '`${` is opened and not closed');
}

/** Where what comes after a `(( ))` or `$(( ))` begins. */
export function endOfCalculation(text: string, open: number): number {
  let depth = 0;
  for (let at = text.indexOf('(', open); at < text.length;) {
    const char = text[at];
    if (char === '(') depth++;
    if (char === '#' && /\s/.test(text[at - 1] ?? '')) break;
    if (char === ')' && --depth === 0) {
      if (text[at - 1] === ')') return at + 1;
      break;
    }
    at = past(text, at, false);
  }
  return fault(text, open, '`((` is not closed by `))`: write `( (` for a subshell in another');
}

/** What comes after the character at `at`, or after all that it opens. */
function past(text: string, at: number, inDouble: boolean): number {
  const char = text[at];
  const next = text[at + 1];
  if (char === '\\') return at + 2;
  if (char === '`') return endOfBackquotes(text, at);
  if (char === '$' && next === '{') return endOfParameter(text, at, inDouble);
  if (char === '$' && next === '(') return endOfSubstitution(text, at);
  if (char !== '"' && char !== "'") return at + 1;
  for (let end = at + 1; end < text.length;) {
    if (text[end] === char) return end + 1;
    end = char === "'" ? end + 1 : past(text, end, true);
  }
  return fault(text, at, `\`${char}\` is opened and not closed`);
}

function endOfSubstitution(text: string, open: number): number {
  if (text[open + 2] === '(') return endOfCalculation(text, open);
  return fault(text, open, '`$( )` cannot be followed here: give its output to a variable first');
}
