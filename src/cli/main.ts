import { commands } from './commands/index.js';
import { type Ending, EXIT, exitCodeOf } from './exit.js';
import { version } from './version.js';

const examples = [
  { line: `cat rows.jsonl | batchx map '({ id, total }) => ({ id, gross: total * 1.19 })'`, does: 'Rows in, rows out, in order.' },
  { line: `batchx filter 'data.total > 100' 'orders/*.jsonl.gz' --group-by data.country`, does: 'Large orders, counted by country.' },
];

/** Runs a command line and gives how the program ends. Everything it has to say goes to standard error. */
export async function cli(argv: readonly string[]): Promise<Ending> {
  const [name, ...args] = argv;
  if (name === '--version' || name === '-V') {
    process.stdout.write(`batchx ${version}\n`);
    return EXIT.ok;
  }
  try {
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') return await help(args[0], name === undefined);
    if (name === '--get-yargs-completions') return await complete(args);
    const before = args.slice(0, args.indexOf(':::') < 0 ? undefined : args.indexOf(':::'));
    const untilDashes = before.slice(0, before.indexOf('--') < 0 ? undefined : before.indexOf('--'));
    if (untilDashes.includes('--help') || untilDashes.includes('-h')) return await help(name, false);
    const command = await find(name);
    const { parseLine } = await import('./flags.js');
    return await command.run(parseLine(command.flags, args));
  } catch (error) {
    return await tell(error, name);
  }
}

async function find(name: string) {
  const entry = commands.find((each) => each.name === name);
  if (entry !== undefined) return entry.load();
  const [{ BatchxError }, { didYouMean }] = await Promise.all([import('../core/errors.js'), import('../core/suggest.js')]);
  const hint = didYouMean(name, commands.map((each) => each.name));
  throw new BatchxError('usage', `no command is called "${name}"${hint === '' ? '; `batchx --help` lists them' : hint}`);
}

async function help(name: string | undefined, missing: boolean): Promise<Ending> {
  const { commandHelp, programHelp } = await import('./help.js');
  const text = name === undefined ? programHelp(commands, examples) : commandHelp(await find(name));
  (missing ? process.stderr : process.stdout).write(text);
  return missing ? EXIT.usage : EXIT.ok;
}

async function complete(args: readonly string[]): Promise<Ending> {
  const { completions } = await import('./completions.js');
  process.stdout.write((await completions(args)).map((word) => `${word}\n`).join(''));
  return EXIT.ok;
}

/** An error that no command has dealt with: what the user did wrong, or a bug. */
async function tell(error: unknown, name: string | undefined): Promise<Ending> {
  const [{ BatchxError, messageOf }, { say }] = await Promise.all([import('../core/errors.js'), import('./terminal.js')]);
  if (error instanceof BatchxError && error.code !== 'bug') {
    say(...error.message.split('\n'));
    if (error.code === 'usage' && commands.some((each) => each.name === name)) say(`\`batchx ${name ?? ''} --help\` shows examples and every flag`);
    return exitCodeOf(error.code);
  }
  say(`a bug in batchx: ${messageOf(error)}`);
  if (process.env.BATCHX_DEBUG !== undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return EXIT.bug;
}
