import type { Command } from '../command.js';

/** A command, and what the list of all says of it. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Loads it, with all that it runs. */
  readonly load: () => Promise<Command>;
}

// Two files, not one for each: rows are to come out at once, and many files at a time need many descriptors.
const rows = () => import('./rows.js');
const others = () => import('./others.js');

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  { name: 'run', summary: 'the pipeline of a file', load: async () => (await others()).run },
  {
    name: 'check',
    summary: 'what is wrong with the file of a pipeline, without starting anything',
    load: async () => (await others()).check,
  },
  {
    name: 'plan',
    summary: 'what a run of a pipeline would do, and why',
    load: async () => (await others()).plan,
  },
  { name: 'exec', summary: 'one command for each value, file or row', load: async () => (await others()).exec },
  { name: 'http', summary: 'one request for each row or value', load: async () => (await others()).http },
  {
    name: 'map',
    summary: 'rows in, rows out: what an expression makes of each',
    load: async () => (await rows()).map,
  },
  {
    name: 'filter',
    summary: 'pass on the rows for which an expression is true',
    load: async () => (await rows()).filter,
  },
  { name: 'runs', summary: 'the runs of the jobs that are kept here', load: async () => (await others()).runs },
  { name: 'report', summary: 'what the last run of a job came to', load: async () => (await others()).report },
  { name: 'retry', summary: 'run just what has failed in a job again', load: async () => (await others()).retry },
  {
    name: 'sample',
    summary: 'some items of a job that went well, to be looked at',
    load: async () => (await others()).sample,
  },
  { name: 'defer', summary: 'have runs of a job pass items over', load: async () => (await others()).defer },
  {
    name: 'repair',
    summary: 'keep what can be read of a job whose files are damaged',
    load: async () => (await others()).repair,
  },
  { name: 'clean', summary: 'remove what is kept of a job', load: async () => (await others()).clean },
  { name: 'init', summary: 'the file of a pipeline to begin with', load: async () => (await others()).init },
  {
    name: 'steps',
    summary: 'the sources, steps, sinks and aggregates there are, and their options',
    load: async () => (await others()).steps,
  },
  {
    name: 'schema',
    summary: 'the JSON Schema of pipeline files, for editors',
    load: async () => (await others()).schema,
  },
  {
    name: 'completion',
    summary: 'a script that completes commands and flags in your shell',
    load: async () => (await others()).completion,
  },
];
