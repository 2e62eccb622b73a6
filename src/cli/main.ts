import type { Ending } from './exit.js';

/** Runs a command line and gives how the program ends. Everything it has to say goes to standard error. */
export async function cli(argv: readonly string[]): Promise<Ending> {
  // Whoever read what is said may have gone: no reason to end, and nobody left to tell.
  process.stderr.on('error', () => undefined);
  const [name, ...args] = argv;
  if (name === '--version' || name === '-V') {
    const { writeVersion } = await import('./write-version.js');
    return writeVersion();
  }
  // All that is needed for anything else lies in one file: each more costs a millisecond.
  const { dispatch } = await import('./dispatch.js');
  return dispatch(name, args);
}
