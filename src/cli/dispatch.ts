import { BatchxError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { commands } from './commands/index.js';
import { completionsFor } from './completions.js';
import { type Ending, EXIT } from './exit.js';
import { commandHelp, programHelp } from './help.js';
import { parseLine } from './parse-line.js';
import { keptArgs } from './raw-args.js';
import { tell } from './tell.js';
import { say } from './terminal.js';
import { writeOut } from './write-out.js';

const examples = [
  {
    line: `cat rows.jsonl | batchx map '({ id, total }) => ({ id, gross: total * 1.19 })'`,
    does: 'Rows in, rows out, in order.',
  },
  {
    line: `batchx filter 'data.total > 100' 'orders/*.jsonl.gz' --group-by data.country`,
    does: 'Large orders, counted by country.',
  },
];

/** Runs a command and gives how the program ends; everything that goes wrong is told on standard error. */
export async function dispatch(name: string | undefined, args: readonly string[]): Promise<Ending> {
  // The file of a pipeline alone is what is run.
  if (name !== undefined && /\.(?:ya?ml|json|[cm]?[jt]s)$/.test(name)) return dispatch('run', [name, ...args]);
  try {
    return await choose(name, keptArgs(args));
  } catch (error) {
    const ending = tell(error);
    if (ending === EXIT.usage && commands.some((each) => each.name === name)) {
      say(`\`batchx ${name ?? ''} --help\` shows examples and every flag`);
    }
    return ending;
  }
}

async function choose(name: string | undefined, args: readonly string[]): Promise<Ending> {
  switch (name) {
    case undefined:
      process.stderr.write(await helpOf(undefined));
      return EXIT.usage;
    case 'help':
    case '--help':
    case '-h':
      return print(await helpOf(args[0]));
    case '--complete':
      return print(await completionsFor(args));
    default: {
      const command = await commands.find((each) => each.name === name)?.load();
      if (wantsHelp(command?.flagsIn?.(args) ?? args)) return print(await helpOf(name));
      if (command === undefined) throw unknownCommand(name);
      return command.run(command.parse?.(args) ?? parseLine(command.flags, args));
    }
  }
}

/** Whether help is asked for among the flags; behind `--` and values nothing is a flag. */
function wantsHelp(args: readonly string[]): boolean {
  const end = args.findIndex((arg) => arg === '--' || arg.startsWith(':::'));
  const flags = end < 0 ? args : args.slice(0, end);
  return flags.includes('--help') || flags.includes('-h');
}

async function print(text: string): Promise<Ending> {
  await writeOut(text);
  return EXIT.ok;
}

async function helpOf(name: string | undefined): Promise<string> {
  if (name === undefined) return programHelp(commands, examples);
  const command = await commands.find((each) => each.name === name)?.load();
  if (command === undefined) throw unknownCommand(name);
  return commandHelp(command);
}

function unknownCommand(name: string): BatchxError {
  if (name.startsWith('-')) {
    return new BatchxError('usage', `expected a command before the flags, got ${name}; \`batchx --help\` lists them`);
  }
  const names = commands.map((each) => each.name);
  const hint = didYouMean(name, names) || '; `batchx --help` lists them';
  return new BatchxError('usage', `no command is called "${name}"${hint}`);
}
