import { constants } from 'node:os';
import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { commandResultOf } from '../core/command-result.js';
import { defineSink } from '../core/define.js';
import type { Item } from '../core/item.js';
import type { OutcomeOf } from '../core/outcome.js';
import { openOutput, outputPath, textWriter } from '../core/rows-out.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';

export const joblogSinkOptions = z.strictObject({ path: outputPath() });

const HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n';

/**
 * Writes a line for each command that was run, in the columns of GNU parallel's `--joblog`, and emits an outcome for each
 * item.
 *
 * Of an item that was tried several times the last attempt is written; of one that took too long the exit code is -1, and
 * of one that ended by a signal 0. Times are in seconds, the first one since 1970.
 * Items for which nothing was run are left out. Order is kept; the file is replaced. One that cannot be written is the
 * error of the Observable.
 *
 * @example
 * import { exec, literals, toJoblog } from 'batchx';
 *
 * literals(['a.wav', 'b.wav']).pipe(exec('flac {}', { stdout: 'result' }), toJoblog('flac.log')).subscribe();
 */
export function toJoblog<T>(path: string, runtime: Runtime = defaultRuntime()): OperatorFunction<T, OutcomeOf<T>> {
  return sinkOf(joblogSink, parseOptions(joblogSinkOptions, { path }, 'toJoblog'), runtime);
}

export const joblogSink = defineSink({
  name: 'joblog',
  main: 'path',
  status: 'stable',
  summary: 'Writes a line for each command that was run: when, how long, how it ended.',
  takes: 'settled',
  log: true,
  options: joblogSinkOptions,
  examples: [{ title: 'A log', options: { path: 'jobs.log' } }],
  open: ({ path }, runtime) =>
    openOutput(path, runtime, (output) => {
      let head = output.begun === true ? '' : HEADER;
      const line = (item: Item): string => {
        const text = head + lineOf(item);
        head = '';
        return text;
      };
      // Without a single command there is still a header.
      return textWriter(output, line, () => head);
    }),
});

function lineOf(item: Item): string {
  const result = commandResultOf(item);
  if (result === undefined) return '';
  const { startedAt, ms, signal, command } = result;
  const exitCode = item.error?.code === 'timeout' ? -1 : (result.exitCode ?? 0);
  const columns = [
    item.seq + 1,
    ':',
    (startedAt / 1000).toFixed(3),
    (ms / 1000).toFixed(3).padStart(10),
    0,
    result.output.stdout.size,
    exitCode,
    signal === undefined ? 0 : constants.signals[signal],
    // A line is a line, with as many columns: what would begin another is written as in `$'\\n'`.
    command.replaceAll('\n', '\\n').replaceAll('\t', '\\t'),
  ];
  return `${columns.join('\t')}\n`;
}
