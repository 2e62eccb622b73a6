import * as z from 'zod';
import type { Argument } from '../../core/command/argument.js';
import { byteSize, given } from '../../core/schema.js';

const exitCodes = () => z.array(z.int().min(0).max(255));

/** A command that is running, as those see it that are given what it writes. */
export interface RunningCommand {
  /** What stood for its placeholders; bytes where that is no text. */
  readonly tag: Argument;
  /** The number of its item, from 0. */
  readonly seq: number;
}

export type OnOutput = (
  stream: 'stdout' | 'stderr',
  bytes: Uint8Array | undefined,
  command: RunningCommand,
) => void | Promise<void>;

export const execOptions = z.strictObject({
  command: z
    .union([z.string().min(1), z.array(z.string()).min(1)])
    .meta({ template: 'command' })
    .describe('The program and its arguments: a text that is split into words as a shell would, or the words.'),
  shell: z
    .boolean()
    .default(false)
    .describe('Run the command by `sh`, with pipes and variables; values reach it as "$1" and never as text.'),
  stdin: z
    .enum(['none', 'data'])
    .default('none')
    .describe('What the command reads: nothing, or the data of the item (of a file what is in it).'),
  stdout: z
    .enum(['text', 'json', 'jsonl', 'ignore', 'result'])
    .default('text')
    .describe(
      'What becomes the data: the text that it wrote without the last line end, the JSON value in it, an array of its lines of JSON, `ignore` leaves the data as they were, and `result` gives all: command, exit code, stdout, stderr and time.',
    ),
  okExit: exitCodes().default([0]).describe('The exit codes that mean success.'),
  retryExit: exitCodes().optional().describe('The exit codes that are worth a retry; all but 126 and 127 unless said.'),
  env: z.record(z.string(), z.string()).default({}).describe('Variables added to the environment of the command.'),
  cwd: z.string().min(1).meta({ template: 'command' }).optional().describe('The folder that it runs in.'),
  creates: z
    .string()
    .min(1)
    .meta({ template: 'command', place: 'output' })
    .optional()
    .describe(
      'The file that it makes, seen from the folder that the command runs in. The command is given a temporary name for it, as `{outputPath}` or where it says the same as this; the file gets its own name once the command has succeeded. No value leads out of the folder that is written before it; at the front an argument, or the path of a file that was found, may name any, and other data one below that folder.',
    ),
  onExists: z
    .enum(['fail', 'skip', 'overwrite'])
    .default('fail')
    .describe('What to do when that file is there already.'),
  minBytes: z.int().min(0).default(1).describe('The least size of that file.'),
  keep: byteSize().default('1MB').describe('How much is kept in memory of what a command writes, of each stream.'),
  spool: z
    .boolean()
    .default(false)
    .describe('Keep the rest in a temporary file until it has been written out; otherwise it is only counted.'),
  dryRun: z.boolean().default(false).describe('Write the command line instead of running it.'),
  onOutput: given<OnOutput>('a function', (value) => typeof value === 'function')
    .optional()
    .describe(
      'Is given what commands write as they do, and nothing at the end of each stream; a promise makes them wait.',
    ),
});
