import { isUtf8 } from 'node:buffer';
import type { Argument, ProcessSpec } from './process.js';
import { findProgram, NotStarted, nameOf, notFound } from './not-started.js';

/** What is given to the system: a program and its arguments. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** The arguments as the system takes them, byte for byte. Throws when it cannot take one of them at all. */
export function commandOf(spec: ProcessSpec): Command {
  const texts: string[] = [];
  for (const [at, argument] of spec.argv.entries()) {
    const text = typeof argument === 'string' ? argument : textOf(argument);
    if (text === undefined) return throughShell(spec);
    check(text, at);
    texts.push(text);
  }
  const [file, ...args] = texts as [string, ...string[]];
  if (file === '') throw new NotStarted('the name of the program is empty', { exitCode: 127 });
  return { file, args };
}

const textOf = (bytes: Uint8Array): string | undefined => (isUtf8(bytes) ? Buffer.from(bytes).toString() : undefined);

function check(text: string, at: number): void {
  const what = at === 0 ? 'the name of the program' : `argument ${at}`;
  if (text.includes('\0')) throw new NotStarted(`${what} has a NUL character in it, which no program can be given`);
  if (/\p{Surrogate}/u.test(text))
    throw new NotStarted(`${what} is not well-formed text: it has half a character in it`);
}

/**
 * Node gives a program only text. So the shell is given each argument with a letter before it that says what it is:
 * text, or bytes spelt out in ASCII. It puts them in the place of each other, one by one, and then becomes the program.
 * Nothing of an argument is ever read as a command. The full stop saves line ends from the substitution, which drops
 * them.
 */
const script = `for BATCHX_ARGUMENT do
  case $BATCHX_ARGUMENT in
    b*) BATCHX_ARGUMENT=$(printf '%b.' "\${BATCHX_ARGUMENT#b}") && BATCHX_ARGUMENT=\${BATCHX_ARGUMENT%.} || exit 126 ;;
    *) BATCHX_ARGUMENT=\${BATCHX_ARGUMENT#t} ;;
  esac
  set -- "$@" "$BATCHX_ARGUMENT"
  shift
done
unset BATCHX_ARGUMENT
exec "$@"`;

function throughShell({ argv, env, cwd }: ProcessSpec): Command {
  // The shell would say itself, on the program's stderr, that there is none: it could not be told from the program.
  const found = findProgram(argv[0], env, cwd);
  if (found.path === undefined) throw notFound(nameOf(argv[0]), found);
  // Some shells take a name that begins with a dash for an option, others take `--` for a name.
  const program = Buffer.from(argv[0]);
  const safe = program[0] === 0x2d ? found.path : program;
  return { file: '/bin/sh', args: ['-c', script, 'sh', ...[safe, ...argv.slice(1)].map(spelt)] };
}

function spelt(argument: Argument, at: number): string {
  const text = typeof argument === 'string' ? argument : textOf(argument);
  if (text !== undefined) {
    check(text, at);
    return `t${text}`;
  }
  const bytes = argument as Uint8Array;
  if (bytes.includes(0)) check('\0', at);
  let spelling = 'b';
  for (const byte of bytes)
    spelling +=
      byte > 0x20 && byte < 0x7f && byte !== 0x5c
        ? String.fromCharCode(byte)
        : `\\0${byte.toString(8).padStart(3, '0')}`;
  return spelling;
}
