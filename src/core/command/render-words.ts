import { type Argument, concatArguments, keptArgument } from './argument.js';
import { type Placeholder, type Token, withNames } from './placeholders.js';
import { indexOf, type Values, valueOf } from './values.js';
import type { Word } from './words.js';

/** Adds the arguments that a word gives. */
export type WordRenderer = (values: Values, out: Argument[]) => void;

type Known = { readonly kind: 'text'; readonly text: Argument } | Placeholder;

interface KnownPiece {
  readonly token: Known;
  readonly quoted: boolean;
}

/**
 * A word with values in place of its placeholders. It gives one argument, and never more because of what a value holds.
 *
 * With several values a `{}` outside quotes gives the word once for each, as in `cp {} there` or `tar --add={}`; in
 * quotes it is all of them, with blanks between. A word of nothing but a value that is not there gives no argument.
 */
export function wordRenderer(word: Word, names: readonly string[] | undefined): WordRenderer {
  const pieces = word.map(({ token, quoted }): KnownPiece => ({ token: knownOf(token, names), quoted }));
  const [first] = pieces;
  if (pieces.every(({ token }) => token.kind === 'text')) {
    const text = concatArguments(pieces.map(({ token }) => (token as { text: Argument }).text));
    return (_, out) => void out.push(text);
  }
  if (pieces.some(isEach)) {
    return (values, out) => {
      for (let i = 0; i < values.args.length; i++) out.push(joined(pieces, values, i));
    };
  }
  if (pieces.length === 1 && first?.quoted === false) {
    const placeholder = first.token as Placeholder;
    return (values, out) => {
      const value = valueOf(placeholder, values, positionOf(placeholder, values));
      if (value !== undefined) out.push(value);
    };
  }
  const mayVanish = pieces.every(({ token, quoted }) => !quoted && token.kind === 'value');
  return (values, out) => {
    if (!mayVanish || pieces.some(({ token }) => values.args[positionOf(token, values)] !== undefined))
      out.push(joined(pieces, values, 0));
  };
}

function knownOf(token: Token, names: readonly string[] | undefined): Known {
  const known = withNames(token, names);
  return known.kind === 'text' ? { kind: 'text', text: keptArgument(known.text) } : known;
}

/** Whether a piece has the word repeated for each value. */
const isEach = ({ token, quoted }: KnownPiece): boolean => !quoted && isAll(token);

const isAll = (token: Known): boolean => token.kind === 'value' && token.position === undefined;

const positionOf = (token: Known, { args }: Values): number =>
  token.kind === 'value' && token.position !== undefined ? indexOf(token.position, args.length) : -1;

/** The word for the value at `each`. */
function joined(pieces: readonly KnownPiece[], values: Values, each: number): Argument {
  const parts: Argument[] = [];
  for (const { token, quoted } of pieces) {
    if (token.kind === 'text') parts.push(token.text);
    else if (!isAll(token)) parts.push(valueOf(token, values, positionOf(token, values)) ?? '');
    else if (!quoted) parts.push(valueOf(token, values, each) ?? '');
    else {
      for (let i = 0; i < values.args.length; i++) parts.push(i === 0 ? '' : ' ', valueOf(token, values, i) ?? '');
    }
  }
  return parts.length === 1 ? (parts[0] as Argument) : concatArguments(parts);
}
