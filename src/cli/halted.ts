import type { Counts } from '../core/account.js';
import type { HaltRule } from '../pipeline/halt-rule.js';
import type { Halted } from '../pipeline/halt.js';
import { type Ending, EXIT } from './exit.js';
import { number } from './progress-line.js';

/** Why a run was halted, in words. */
export function whyHalted({ rule, counted, finished, error }: Halted): string {
  if (rule === undefined) {
    const alike =
      counted === 1 ? 'every further item would fail too' : `${number(counted)} items in a row failed alike`;
    return `halted, as ${alike}: ${error?.message ?? ''}`;
  }
  const { why, amount, percent, said } = rule;
  const one = amount === 1 && !percent;
  if (one && why !== 'done') return `halted at the first ${why === 'fail' ? 'failure' : 'success'} (${said})`;
  const share = percent && why !== 'done';
  const items = counted === 1 && !share ? 'item' : 'items';
  const many = share ? `${number(counted)} of ${number(finished)}` : number(counted);
  const word = { fail: 'failed', success: 'went well', done: counted === 1 ? 'is done' : 'are done' }[why];
  return `halted: ${many} ${items} ${word} (${said})`;
}

/** Why a run was halted, and what can be done about it. */
export const withAdvice = (halted: Halted): string =>
  whyHalted(halted) + (halted.error?.advice === undefined ? '' : `; ${halted.error.advice}`);

/** How the program ends for it: a success that was waited for is one, unless it could not be written in the end. */
export function endingOfHalt({ rule }: Halted, { ok, failed, inDoubt }: Counts): Ending {
  if (rule?.why === 'success') return !rule.percent && ok < rule.amount ? EXIT.halted : EXIT.ok;
  if (rule?.why === 'done') return failed + inDoubt > 0 ? EXIT.failed : EXIT.ok;
  return EXIT.halted;
}

/** The rules that the flags of a command line say. */
export const haltOf = (flags: {
  readonly strict: boolean;
  readonly halt?: readonly HaltRule[] | undefined;
}): readonly HaltRule[] => [
  ...(flags.strict ? [{ when: 'now', why: 'fail', amount: 1, percent: false, said: '--strict' } as const] : []),
  ...(flags.halt ?? []).map((rule) => ({ ...rule, said: `--halt ${rule.said}` })),
];
