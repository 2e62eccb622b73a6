import yargs, { type Argv } from 'yargs';
import { commands } from './commands/index.js';
import { flagsOf } from './flags.js';

/** The parser that completes: it knows every command and flag, and runs none of them. */
async function describe(): Promise<Argv> {
  let program = yargs([]).scriptName('batchx').help(false).version(false).exitProcess(false);
  for (const entry of commands) {
    const { flags } = await entry.load();
    program = program.command(entry.name, entry.summary, (command) =>
      flagsOf(flags).reduce(
        (known, { name, alias, boolean, description, choices }) =>
          known.option(name, {
            type: boolean ? 'boolean' : 'string',
            description,
            ...(alias !== undefined && { alias }),
            ...(choices.length > 0 && { choices }),
          }),
        command,
      ),
    );
  }
  return program;
}

/** The script for bash or zsh, which asks the program itself for what may follow. */
export async function completionScript(shell: 'bash' | 'zsh'): Promise<string> {
  const program = await describe();
  const before = process.env.SHELL;
  // The one thing by which yargs chooses between its two scripts.
  process.env.SHELL = `/bin/${shell}`;
  const lines: string[] = [];
  const log = console.log;
  console.log = (line: string) => void lines.push(line);
  try {
    program.showCompletionScript('batchx', 'completion');
  } finally {
    console.log = log;
    process.env.SHELL = before;
  }
  return lines.join('\n') + '\n';
}

/** What may follow the words that have been typed: commands, flags, or the values of a flag. */
export async function completions(words: readonly string[]): Promise<string[]> {
  const program = await describe();
  return program.getCompletion([...words]);
}
