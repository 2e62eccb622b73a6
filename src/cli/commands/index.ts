import type { Command } from '../command.js';

/** A command that is only loaded when it is called: its name and summary, and where it is. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'map',
    summary: 'rows in, rows out: what an expression makes of each',
    load: async () => (await import('./map.js')).command,
  },
  {
    name: 'filter',
    summary: 'pass on the rows for which an expression is true',
    load: async () => (await import('./filter.js')).command,
  },
  {
    name: 'steps',
    summary: 'the sources, steps, sinks and aggregates there are, and their options',
    load: async () => (await import('./steps.js')).command,
  },
  {
    name: 'completion',
    summary: 'a script that completes commands and flags in your shell',
    load: async () => (await import('./completion.js')).command,
  },
];
