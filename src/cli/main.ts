import { commands } from './commands/index.js';
import { type Ending, EXIT, endingOf } from './exit.js';
import { version } from './version.js';

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

/** Runs a command line and gives how the program ends. Everything it has to say goes to standard error. */
export async function cli(argv: readonly string[]): Promise<Ending> {
  // Whoever read what is said may have gone: no reason to end, and nobody left to tell.
  process.stderr.on('error', () => undefined);
  const [name, ...args] = argv;
  try {
    return await dispatch(name, args);
  } catch (error) {
    return tell(error, name);
  }
}

async function dispatch(name: string | undefined, args: readonly string[]): Promise<Ending> {
  switch (name) {
    case undefined:
      process.stderr.write(await helpOf(undefined));
      return EXIT.usage;
    case '--version':
    case '-V':
      return print(`batchx ${version}\n`);
    case 'help':
    case '--help':
    case '-h':
      return print(await helpOf(args[0]));
    case '--complete': {
      const { completionsFor } = await import('./completions.js');
      return print(await completionsFor(args));
    }
    default: {
      if (wantsHelp(args)) return print(await helpOf(name));
      const command = await find(name);
      const { parseLine } = await import('./parse-line.js');
      return command.run(parseLine(command.flags, args));
    }
  }
}

/** Whether help is asked for among the flags; behind `--` and `:::` nothing is a flag. */
function wantsHelp(args: readonly string[]): boolean {
  const end = args.findIndex((arg) => arg === '--' || arg === ':::');
  const flags = end < 0 ? args : args.slice(0, end);
  return flags.includes('--help') || flags.includes('-h');
}

async function print(text: string): Promise<Ending> {
  const { writeOut } = await import('./write-out.js');
  await writeOut(text);
  return EXIT.ok;
}

async function helpOf(name: string | undefined): Promise<string> {
  const { commandHelp, programHelp } = await import('./help.js');
  return name === undefined ? programHelp(commands, examples) : commandHelp(await find(name));
}

async function find(name: string) {
  const entry = commands.find((each) => each.name === name);
  if (entry !== undefined) return entry.load();
  const { BatchxError } = await import('../core/errors.js');
  if (name.startsWith('-')) {
    throw new BatchxError('usage', `expected a command before the flags, got ${name}; \`batchx --help\` lists them`);
  }
  const { didYouMean } = await import('../core/suggest.js');
  const names = commands.map((each) => each.name);
  const hint = didYouMean(name, names) || '; `batchx --help` lists them';
  throw new BatchxError('usage', `no command is called "${name}"${hint}`);
}

/** An error that no command has dealt with: what the user did wrong, or a bug. */
async function tell(error: unknown, name: string | undefined): Promise<Ending> {
  const [{ BatchxError }, { say, sayBug }] = await Promise.all([import('../core/errors.js'), import('./terminal.js')]);
  if (!(error instanceof BatchxError) || error.code === 'bug') {
    sayBug(error);
    return EXIT.bug;
  }
  const ending = endingOf(error.code);
  if (ending === 'SIGPIPE') return ending;
  say(...error.message.split('\n'));
  if (ending === EXIT.usage && commands.some((each) => each.name === name)) {
    say(`\`batchx ${name ?? ''} --help\` shows examples and every flag`);
  }
  return ending;
}
