import { Account, type Counts } from '../core/account.js';
import type { ErrorCode } from '../core/errors.js';
import { Events } from '../core/events.js';
import { createRuntime, type Runtime } from '../core/runtime.js';
import type { RunResult } from '../pipeline/run.js';
import { type Ending, EXIT, endingOf } from './exit.js';
import { Failures } from './failures.js';
import { watchFaults } from './faults.js';
import { type ProgressOptions, showProgress } from './progress.js';
import { listen } from './signals.js';
import { say, sayBug } from './terminal.js';
import { divertConsole } from './user-console.js';

/** What a command has to run items with. */
export interface Session {
  readonly runtime: Runtime;
  readonly account: Account;
}

/**
 * Does the work of a command with all that a run has around it - signals, progress, what is told of failures and of
 * the end - and gives how the program ends. Once in a process: it listens to its signals and errors.
 */
export async function inSession(
  options: ProgressOptions,
  work: (session: Session) => Promise<RunResult>,
): Promise<Ending> {
  const { quiet } = options;
  const events = new Events();
  const account = new Account(events);
  const failures = new Failures(events, quiet);
  const progress = showProgress(options, () => account.counts);
  const interruption = listen(progress.line, quiet);
  let broken: End | undefined;
  const giveUp = (ending: Ending, why: string): void => {
    broken ??= { ending, why };
    interruption.abort();
  };
  divertConsole();
  watchFaults({
    stray: (error) => failures.stray(error),
    bug: (error) => {
      sayBug(error);
      giveUp(EXIT.bug, 'ended early');
    },
    stuck: () => giveUp(EXIT.failed, 'given up, as calls wait for promises that nothing will ever settle'),
  });
  const { stopping, signal } = interruption;
  const stdio = progress.stdio;
  const runtime = createRuntime({ events, stopping, signal, ...(stdio !== undefined && { stdio }) });
  const result = await work({ runtime, account }).finally(() => progress.stop());
  const { ending, why } = broken ?? endOf(result, interruption.endedBy(), failures.strayed);
  if (result.error?.code === 'bug') sayBug(result.error);
  else if (result.error !== undefined && ending !== 'SIGPIPE') say(result.error.message);
  const toSay = why !== '' || failures.any;
  if (toSay && !quiet && ending !== 'SIGPIPE') {
    const summary = (why === '' ? '' : `${why}: `) + failures.summary(result.counts);
    say(summary, ...(failures.hint === undefined ? [] : [failures.hint]));
  }
  return ending;
}

/** How a run ended, and why if it was early. */
interface End {
  readonly ending: Ending;
  readonly why: string;
}

function endOf({ counts, error, halted }: RunResult, endedBy: NodeJS.Signals | undefined, strayed: boolean): End {
  if (endedBy !== undefined) return { ending: endedBy, why: `interrupted by ${endedBy}` };
  if (error !== undefined)
    return { ending: endingOfError(error.code, counts), why: counts.read > 0 ? 'ended early' : '' };
  if (halted) return { ending: EXIT.halted, why: 'halted at the first failure (--strict)' };
  return { ending: counts.failed + counts.inDoubt > 0 || strayed ? EXIT.failed : EXIT.ok, why: '' };
}

/** Wrong usage means that nothing was started; what is only found out on the way is a failure. */
function endingOfError(code: ErrorCode, { read, pending }: Counts): Ending {
  return code === 'usage' && read > pending ? EXIT.failed : endingOf(code);
}
