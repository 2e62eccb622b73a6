import { messageOf } from '../core/errors.js';
import { modulesLoading } from '../core/import-module.js';
import { endProcess, EXIT } from './exit.js';
import { isOurs } from './faults.js';
import { say, sayBug } from './terminal.js';
import { divertConsole } from './user-console.js';

/**
 * Does what may load modules of the user's. One that waits at its top level for what will never come, or leaves an error
 * behind, ends the program with a message: Node would end it with none, or with a stack trace.
 */
export async function whileLoading<T>(work: () => Promise<T>): Promise<T> {
  divertConsole();
  const stuck = (): void => {
    const [module] = modulesLoading();
    if (module !== undefined)
      refuse(
        `${module}: it does not come to its end: \`await\` at its top level waits for what nothing will ever settle`,
      );
  };
  const stray = (error: unknown): void => {
    if (isOurs(error)) {
      sayBug(error);
      void endProcess(EXIT.bug);
      return;
    }
    const [module] = modulesLoading();
    refuse(`${module === undefined ? '' : `${module}: `}${messageOf(error)}; nobody waits for this error`);
  };
  process.on('beforeExit', stuck);
  process.on('unhandledRejection', stray);
  process.on('uncaughtException', stray);
  try {
    return await work();
  } finally {
    process.off('beforeExit', stuck);
    process.off('unhandledRejection', stray);
    process.off('uncaughtException', stray);
  }
}

function refuse(why: string): void {
  say(why);
  void endProcess(EXIT.usage);
}
