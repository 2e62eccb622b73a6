import type { Quoting, Rooted } from './placeholders.js';

/** A piece of a script: text of the user, a placeholder, or a word that stands there once for each value. */
export type Node = string | Ref | Repeated;

export interface Ref {
  readonly token: Rooted;
  readonly quoting: Quoting;
  /** Why no value may be put here. Only of names, which may be text after all. */
  readonly refused?: string;
}

export interface Repeated {
  readonly word: readonly Node[];
}

export interface ParsedScript {
  readonly nodes: readonly Node[];
  readonly refs: readonly Ref[];
  /** Whether `$1` may mean something else than the first argument of the script. */
  readonly movesArguments: boolean;
}

const isRef = (node: Node): node is Ref => typeof node === 'object' && 'token' in node;

/** Whether a word is repeated for each value: it has all of them in it, outside of quotes. */
export const repeats = (word: readonly Node[]): boolean =>
  word.some(
    (node) =>
      isRef(node) && node.quoting === 'none' && node.token.kind === 'value' && node.token.position === undefined,
  );

/** Adds a node; text is joined with the text before. */
export function append(nodes: Node[], node: Node): void {
  const last = nodes.at(-1);
  if (typeof node === 'string' && typeof last === 'string') nodes[nodes.length - 1] = last + node;
  else nodes.push(node);
}
