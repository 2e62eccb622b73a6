import type { Command } from './command.js';
import { type Flag, flagsOf } from './flags.js';
import { styled } from './terminal.js';

const WIDTH = 100;

/** The help of one command: examples first, then its flags. */
export function commandHelp(command: Command): string {
  const flags = flagsOf(command.flags);
  const parts = [
    `${heading('Usage')} batchx ${command.name} ${command.usage}`,
    '',
    ...wrap(command.summary, ''),
    '',
    heading('Examples'),
    ...command.examples.flatMap(({ line, does }) => [`  $ ${line}`, ...wrap(does, '      ')]),
  ];
  if (flags.length > 0) parts.push('', heading('Flags'), ...flags.flatMap(flagHelp));
  if (command.notes !== undefined) parts.push('', ...command.notes.flatMap((note) => wrap(note, '')));
  return parts.join('\n') + '\n';
}

/** The help of the whole program. */
export function programHelp(commands: readonly Pick<Command, 'name' | 'summary'>[], examples: Command['examples']): string {
  const longest = Math.max(...commands.map(({ name }) => name.length));
  return (
    [
      `${heading('Usage')} batchx <command> [flags]`,
      '',
      'Pour items in, and get every result out, or the exact reason why not.',
      '',
      heading('Examples'),
      ...examples.flatMap(({ line, does }) => [`  $ ${line}`, ...wrap(does, '      ')]),
      '',
      heading('Commands'),
      ...commands.map(({ name, summary }) => `  ${name.padEnd(longest)}  ${summary}`),
      '',
      '`batchx <command> --help` tells more of each.',
    ].join('\n') + '\n'
  );
}

const heading = (text: string): string => styled('bold', `${text}:`, process.stdout);

function flagHelp({ name, alias, value, boolean, description, choices }: Flag): string[] {
  const shown = choices.length > 0 ? choices.join('|') : (value ?? 'TEXT');
  const left = `  ${alias === undefined ? '    ' : `-${alias}, `}--${name}${boolean ? '' : ` ${shown}`}`;
  const lines = wrap(description, ' '.repeat(30));
  if (left.length >= 29) return [left, ...lines];
  return [left + (lines[0] ?? '').slice(left.length), ...lines.slice(1)];
}

function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > WIDTH && line.trim() !== '') {
      lines.push(line);
      line = indent;
    }
    line += line.trim() === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}
