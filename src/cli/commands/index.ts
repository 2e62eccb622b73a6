import type { Command } from '../command.js';
import { command as check } from './check.js';
import { command as completion } from './completion.js';
import { command as exec } from './exec.js';
import { command as filter } from './filter.js';
import { command as map } from './map.js';
import { command as run } from './run.js';
import { command as schema } from './schema.js';
import { command as steps } from './steps.js';

/** A command, and what the list of all says of it. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly command: Command;
}

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  { name: 'run', summary: 'the pipeline of a file', command: run },
  { name: 'check', summary: 'what is wrong with the file of a pipeline, without starting anything', command: check },
  { name: 'exec', summary: 'one command for each value, file or row', command: exec },
  { name: 'map', summary: 'rows in, rows out: what an expression makes of each', command: map },
  { name: 'filter', summary: 'pass on the rows for which an expression is true', command: filter },
  {
    name: 'steps',
    summary: 'the sources, steps, sinks and aggregates there are, and their options',
    command: steps,
  },
  { name: 'schema', summary: 'the JSON Schema of pipeline files, for editors', command: schema },
  { name: 'completion', summary: 'a script that completes commands and flags in your shell', command: completion },
];
