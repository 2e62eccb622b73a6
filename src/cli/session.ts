import { Account, type Counts } from '../core/account.js';
import type { BatchxError } from '../core/errors.js';
import { Events } from '../core/events.js';
import type { Outcome } from '../core/outcome.js';
import { createRuntime, type Runtime } from '../core/runtime.js';
import type { RunResult } from '../pipeline/run-result.js';
import { type Ending, EXIT, endingOfRun } from './exit.js';
import { type Again, Failures } from './failures.js';
import { type Reword, reworded } from './flag-words.js';
import { watchFaults } from './faults.js';
import { endingOfHalt, whyHalted } from './halted.js';
import { watchLines } from './line-start.js';
import { type ProgressOptions, showProgress } from './progress.js';
import { listen } from './signals.js';
import { say, sayBug } from './terminal.js';
import { divertConsole } from './user-console.js';

/** What a command has to run items with. */
export interface Session {
  readonly runtime: Runtime;
  readonly account: Account;
}

/** What a run leaves behind besides its items. */
export interface Conclusion {
  /** How the program ends, now that all is written. */
  readonly ending: Ending;
  /** What is said behind the counts: how long it took. */
  readonly took: string;
  /** What is said below them. */
  readonly lines: readonly string[];
  readonly again?: Again | undefined;
}

export interface SessionOptions<R extends RunResult> extends ProgressOptions {
  /** Called when it is known how the run has ended, before that is told: with it the end is told of every run. */
  readonly conclude?: ((result: R, ending: Ending) => Promise<Conclusion>) | undefined;
  /** Called when it is known how the program ends, at the very end; gives how it does then. */
  readonly onEnd?: ((result: R, ending: Ending) => Promise<Ending>) | undefined;
  /** Whether what is written is waited for until it is on the disk; see `Runtime`. */
  readonly durability?: 'power' | 'off' | undefined;
  /** How what failed is run again, where it is written to a file. */
  readonly again?: Again | undefined;
  /** How messages are told that call options by other names than the command line does. */
  readonly reword?: Reword | undefined;
  /** Of which failures the user has seen already why. */
  readonly speaksForItself?: (outcome: Outcome) => boolean;
}

/**
 * Does the work of a command with all that a run has around it - signals, progress, what is told of failures and of
 * the end - and gives how the program ends. Once in a process: it listens to its signals and errors.
 */
export async function inSession<R extends RunResult>(
  options: SessionOptions<R>,
  work: (session: Session) => Promise<R>,
): Promise<Ending> {
  const { quiet, reword = ({ message }: { readonly message: string }) => message } = options;
  const events = new Events();
  const account = new Account(events);
  let inEvent: BatchxError | undefined;
  events.on('batch:end', ({ error }) => (inEvent = error));
  const failures = new Failures(events, { quiet, reword, speaksForItself: options.speaksForItself });
  const progress = showProgress(options, createRuntime({ events }), account);
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
  const stdio = watchLines(progress.stdio ?? createRuntime().stdio);
  const runtime = createRuntime({ events, stopping, signal, stdio, durability: options.durability });
  const result = await work({ runtime, account })
    .catch((error: unknown) => Promise.reject(reworded(error, reword)))
    .finally(() => progress.stop());
  // A short run comes to its end before it is told of what the user's code has left behind.
  for (let turns = 0; turns < 2; turns++) await new Promise(setImmediate);
  const { ending: ended, why } = broken ?? endOf(result, interruption.endedBy(), failures.strayed);
  const conclusion = await options.conclude?.(result, ended);
  const ending = conclusion?.ending ?? ended;
  // Whoever reads events has had it there.
  const isEvent = quiet && options.progress === 'json' && result.error === inEvent;
  if (result.error?.code === 'bug') sayBug(result.error);
  else if (result.error !== undefined && ending !== 'SIGPIPE' && !isEvent) say(reword(result.error));
  const began = result.error === undefined || result.counts.read > 0;
  const toSay = why !== '' || failures.any || (conclusion !== undefined && began);
  if (toSay && !quiet && ending !== 'SIGPIPE') {
    // When it cannot be written the file is not there, or not whole.
    const again = result.error?.code === 'output' ? undefined : (conclusion?.again ?? options.again);
    failures.tellEnd(why, result.counts, pendingWord(result), again, conclusion?.took);
    const advice = result.error === undefined ? result.halted?.error?.advice : undefined;
    if (advice !== undefined) say(advice);
    if (conclusion !== undefined) say(...conclusion.lines);
  }
  return (await options.onEnd?.(result, ending)) ?? ending;
}

/** How a run ended, and why if it was early. */
interface End {
  readonly ending: Ending;
  readonly why: string;
}

function endOf(
  { counts, error: thrown, whole = false, halted }: RunResult & { readonly whole?: boolean },
  endedBy: NodeJS.Signals | undefined,
  spoilt: boolean,
): End {
  const error = whole ? undefined : thrown;
  const strayed = spoilt || whole;
  if (endedBy !== undefined) return { ending: endedBy, why: `interrupted by ${endedBy}` };
  if (error !== undefined) {
    const ending = endingOfError(error, counts);
    return { ending, why: counts.read === 0 ? '' : ending === EXIT.halted ? 'halted' : 'ended early' };
  }
  if (halted !== undefined) {
    const ending = endingOfHalt(halted, counts);
    return { ending: ending === EXIT.ok && strayed ? EXIT.failed : ending, why: whyHalted(halted) };
  }
  return { ending: counts.failed + counts.inDoubt > 0 || strayed ? EXIT.failed : EXIT.ok, why: '' };
}

/** Wrong usage means that nothing was started; what is only found out on the way is a failure. */
function endingOfError(error: BatchxError, { read, pending }: Counts): Ending {
  return error.code === 'usage' && read > pending ? EXIT.failed : endingOfRun(error);
}

/** What pending items are called: where running calls had their end, those that are left were never begun. */
const pendingWord = ({ halted, error, interrupted }: RunResult): string =>
  error === undefined &&
  !interrupted &&
  halted !== undefined &&
  halted.rule?.when !== 'now' &&
  // It has left items as they were that it had begun.
  halted.error?.haltAfter !== 1
    ? 'not started'
    : 'pending';
