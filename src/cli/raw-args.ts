import { readFileSync } from 'node:fs';
import { keptText } from '../core/command/argument.js';

/** What Node puts in the place of bytes that are not UTF-8. */
const LOST = '\ufffd';

/**
 * The last arguments of this process; bytes that are not UTF-8, which Node has lost, are in them as `keptText` keeps
 * them. Where the system does not tell the arguments are given as they are.
 */
export function keptArgs(args: readonly string[]): readonly string[] {
  if (!args.some((arg) => arg.includes(LOST))) return args;
  const given = commandLine().slice(-args.length);
  if (given.length !== args.length || given.some((bytes, at) => bytes.toString() !== args[at])) return args;
  return given.map((bytes, at) => (args[at]?.includes(LOST) === true ? keptText(bytes) : (args[at] as string)));
}

function commandLine(): Buffer[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync('/proc/self/cmdline');
  } catch {
    return [];
  }
  const args: Buffer[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(0, from);
    args.push(bytes.subarray(from, end < 0 ? bytes.length : end));
    from = end < 0 ? bytes.length : end + 1;
  }
  return args;
}
