import type { Counts } from '../core/account.js';
import type { Events } from '../core/events.js';
import type { Outcome } from '../core/outcome.js';
import { say } from './terminal.js';

/** How many failures are told one by one; the rest is counted. */
const SHOWN = 10;

/** Tells the first failures of a run on standard error as they happen, and at the end how many more there were. */
export function tellFailures(events: Events, quiet: boolean): (counts: Counts) => void {
  let seen = 0;
  const byCode = new Map<string, number>();
  events.on('batch:item:end', (outcome) => {
    if (outcome.status !== 'failed' && outcome.status !== 'in-doubt') return;
    seen++;
    const code = outcome.error?.code ?? 'bug';
    byCode.set(code, (byCode.get(code) ?? 0) + 1);
    if (quiet) return;
    if (seen <= SHOWN) say(failureLine(outcome));
    else if (seen === SHOWN + 1) say('further failures are only counted');
  });
  return (counts) => {
    if (seen === 0 || quiet) return;
    const causes = [...byCode].map(([code, n]) => `${n.toLocaleString('en')} ${code}`).join(', ');
    say(`${summary(counts)} (${causes})`);
  };
}

/** Where, and what: `rows.jsonl:2: not JSON: ...`. */
const failureLine = ({ item, error }: Outcome): string => `${error?.where ?? item.where ?? item.id}: ${error?.message ?? 'failed'}`;

/** The account in one line. */
export function summary({ read, ok, failed, skipped, inDoubt, pending }: Counts): string {
  const parts = [
    [ok, 'ok'],
    [failed, 'failed'],
    [skipped, 'skipped'],
    [inDoubt, 'in doubt'],
    [pending, 'pending'],
  ] as const;
  const said = parts.filter(([n]) => n > 0).map(([n, word]) => `${n.toLocaleString('en')} ${word}`);
  return `${read.toLocaleString('en')} ${read === 1 ? 'item' : 'items'} read: ${said.join(', ') || 'nothing to do'}`;
}
