import type { Command } from './command.js';
import { commands } from './commands/index.js';
import { type Flag, flagsOf } from './flags.js';

type Choice = readonly [word: string, description: string];

/**
 * What may come in place of the last of the words behind `batchx`: a line each, with a description behind a tab.
 * Nothing where a file name, or anything at all, may stand.
 */
export async function completionsFor(words: readonly string[]): Promise<string> {
  const current = words.at(-1) ?? '';
  const choices = await choicesFor(words.slice(0, -1), current);
  return choices
    .filter(([word]) => word.startsWith(current))
    .map(([word, description]) => `${word}\t${description}\n`)
    .join('');
}

async function choicesFor(before: readonly string[], current: string): Promise<Choice[]> {
  const [name, ...args] = before;
  if (name === undefined) return commands.map((entry) => [entry.name, entry.summary]);
  if (args.some((arg) => arg === '--' || arg.startsWith(':::'))) return [];
  const command = await commands.find((entry) => entry.name === name)?.load();
  if (command === undefined) return [];
  const flags = flagsOf(command.flags);
  const [flagName, value] = current.split('=', 2) as [string, string?];
  // bash gives `--in=j` as three words, and wants only the last of them completed.
  const last = args.at(-1) === '=' ? args.at(-2) : args.at(-1);
  const open = flagCalled(last, flags);
  if (open !== undefined && !open.boolean) return open.choices.map((choice) => [choice, '']);
  if (value !== undefined) return flagCalled(flagName, flags)?.choices.map((each) => [`${flagName}=${each}`, '']) ?? [];
  if (current.startsWith('-')) return flags.flatMap(wordsOf);
  return positional(command, args);
}

const flagCalled = (word: string | undefined, flags: readonly Flag[]): Flag | undefined =>
  flags.find(({ name, alias }) => word === `--${name}` || (alias !== undefined && word === `-${alias}`));

function wordsOf({ name, description, negatable, boolean }: Flag): Choice[] {
  const negated: Choice[] = negatable ? [[`--no-${name}`, description]] : [];
  // What is on anyway is only of interest to turn off.
  return boolean && negatable ? negated : [[`--${name}`, description], ...negated];
}

const positional = ({ choices = [] }: Command, args: readonly string[]): Choice[] =>
  args.some((arg) => !arg.startsWith('-')) ? [] : choices.map((choice) => [choice, '']);
