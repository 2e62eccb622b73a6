import type * as z from 'zod';
import type { Ending } from './exit.js';
import type { ParsedLine } from './parse-line.js';

/** A command of the command line. Its help and its completion are made from this. */
export interface Command<F extends z.ZodObject = z.ZodObject, L extends ParsedLine<F> = ParsedLine<F>> {
  readonly name: string;
  /** What stands behind the name in the usage line. */
  readonly usage: string;
  /** One sentence, with a full stop. */
  readonly summary: string;
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  readonly flags: F;
  /** What else there is to know, behind the flags. */
  readonly notes?: readonly string[];
  /** What its first argument may be, where there is a choice. */
  readonly choices?: readonly string[];
  /** The arguments among which its own flags are, where others follow that may look like them. */
  flagsIn?(args: readonly string[]): readonly string[];
  /** Reads its arguments, where that is not done as for all others. */
  parse?(args: readonly string[]): L;
  run(line: L): Promise<Ending>;
}

/** Infers the flags of a command from their schema. */
export const defineCommand = <F extends z.ZodObject, L extends ParsedLine<F> = ParsedLine<F>>(
  command: Command<F, L>,
): Command<F, L> => command;
