import { isatty } from 'node:tty';
import type { Command } from './command.js';
import { type Flag, flagsOf } from './flags.js';
import { styled } from './terminal.js';

/** The widest that text is, and where the descriptions of flags begin. */
const WIDTH = 100;
const COLUMN = 30;

/** The help of one command: examples first, then its flags. */
export function commandHelp(command: Command): string {
  const flags = flagsOf(command.flags);
  const parts = [
    `${heading('Usage')} batchx ${command.name} ${flags.length === 0 ? '' : '[flags] '}${command.usage}`,
    '',
    ...wrap(command.summary, ''),
    '',
    heading('Examples'),
    ...examplesHelp(command.examples),
  ];
  if (flags.length > 0) parts.push('', heading('Flags'), ...flags.flatMap(flagHelp));
  for (const note of command.notes ?? []) parts.push('', ...wrap(note, ''));
  return parts.join('\n') + '\n';
}

/** The help of the whole program. */
export function programHelp(
  commands: readonly Pick<Command, 'name' | 'summary'>[],
  examples: Command['examples'],
): string {
  const longest = Math.max(...commands.map(({ name }) => name.length));
  return (
    [
      `${heading('Usage')} batchx <command> [flags]`,
      '',
      ...wrap('Pour items in, and get every result out, or the exact reason why not.', ''),
      '',
      heading('Examples'),
      ...examplesHelp(examples),
      '',
      heading('Commands'),
      ...commands.map(({ name, summary }) => `  ${name.padEnd(longest)}  ${summary}`),
      '',
      '`batchx <command> --help` tells more of each, `batchx --version` which one this is.',
    ].join('\n') + '\n'
  );
}

const heading = (text: string): string => styled('bold', `${text}:`, 1);

const examplesHelp = (examples: Command['examples']): string[] =>
  examples.flatMap(({ line, does }) => [`  $ ${line}`, ...wrap(does, '      ')]);

function flagHelp({ name, alias, value, boolean, description, choices }: Flag): string[] {
  const shown = choices.length > 0 ? choices.join('|') : (value ?? 'TEXT');
  const left = `  ${alias === undefined ? '    ' : `-${alias}, `}--${name}${boolean ? '' : ` ${shown}`}`;
  const lines = wrap(description, ' '.repeat(COLUMN));
  if (left.length >= COLUMN - 1) return [left, ...lines];
  return [left + (lines[0] ?? '').slice(left.length), ...lines.slice(1)];
}

function wrap(text: string, indent: string): string[] {
  const width = isatty(1) ? Math.min(WIDTH, Math.max(process.stdout.columns, 2 * COLUMN)) : WIDTH;
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > width && line.trim() !== '') {
      lines.push(line);
      line = indent;
    }
    line += line.trim() === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}
