import { printable } from '../core/printable.js';
import { showMs } from '../core/show-ms.js';
import type { Report } from '../report/report-schema.js';
import { shellLine } from './again.js';
import { countsText, describe } from './failures.js';
import { number, perSecond } from './progress-line.js';

/** The longest that a cause is told, in characters. */
const ROOM = 160;

/** A report as people read it: what came of the items, why some failed, and what can be done about it. */
export function reportLines(report: Report): string[] {
  const { job, startedAt, pipeline, counts, ms, throughput, failures, aggregate, recommendations } = report;
  const rate = throughput === null ? '' : `, ${perSecond(throughput)}/s`;
  const line = job === undefined ? undefined : shellLine(['batchx', ...job.args]);
  const why = whyEnded(report);
  const lines = [
    `${job?.name ?? pipeline}, ${startedAt}${line === undefined ? '' : `: ${line}`}`,
    `${why}${countsText(counts)} in ${showMs(ms)}${rate}`,
    ...causeLines(failures),
    ...(report.error === null ? [] : [report.error.message]),
    ...(failures.again === null ? [] : [`to run just what failed again: ${failures.again}`]),
    ...(failures.again === null || job === undefined || failures.causes.length < 2
      ? []
      : [`or one of these groups: ${failures.again} --group 1`]),
    ...(aggregate === null ? [] : [JSON.stringify(aggregate)]),
    ...recommendations,
  ];
  return lines.flatMap((each) => each.split('\n')).map(printable);
}

function whyEnded({ interrupted, halted, error }: Report): string {
  if (interrupted) return 'interrupted: ';
  if (halted !== null) return `${halted.words}: `;
  return error === null ? '' : 'ended early: ';
}

/** The causes, by their numbers: `batchx retry --group` takes them. */
function causeLines({ causes, others }: Report['failures']): string[] {
  const width = number(Math.max(others, ...causes.map(({ count }) => count))).length;
  const digits = String(causes.length).length;
  const lines = causes.map((cause, at) => {
    const text = describe({ ...cause, code: cause.code as never }, ROOM);
    return `  ${String(at + 1).padStart(digits)}. ${number(cause.count).padStart(width)} ${text}`;
  });
  return others === 0
    ? lines
    : [...lines, `  ${' '.repeat(digits + 2)}${number(others).padStart(width)} for other causes`];
}
