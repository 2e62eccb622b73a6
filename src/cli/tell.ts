import { BatchxError } from '../core/errors.js';
import { type Ending, EXIT, endingOf } from './exit.js';
import { say, sayBug } from './terminal.js';

/** Tells an error that ended a command - what the user did wrong, or a bug - and gives how the program ends. */
export function tell(error: unknown): Ending {
  if (!(error instanceof BatchxError) || error.code === 'bug') {
    sayBug(error);
    return EXIT.bug;
  }
  const ending = endingOf(error.code);
  if (ending !== 'SIGPIPE') say(...error.message.split('\n'));
  return ending;
}
