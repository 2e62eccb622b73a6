import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { commandResultOf } from '../core/command-result.js';
import { defineSink } from '../core/define.js';
import type { Item } from '../core/item.js';
import type { OutcomeOf } from '../core/outcome.js';
import { jsonLine, lineWriter, openOutput, outputPath } from '../core/rows-out.js';
import { redactedJson } from '../core/redacted.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';

export const outcomesSinkOptions = z.strictObject({ path: outputPath() });

/**
 * Writes a line of JSON for each item that is settled: its `id`, `success`, and either its data as `result` or its
 * `error`. Emits an outcome for each item once it is written.
 *
 * Of a command that failed, what it did is the `result` beside the error, without what the runtime keeps secret;
 * `metrics.ms` is how long it ran. One that ended in doubt has `outcome: 'in-doubt'`. Items that were skipped are left out. Order is kept; a file is replaced. An output that cannot be written is the error of the Observable.
 *
 * @example
 * import { exec, literals, toOutcomes } from 'batchx';
 *
 * literals(['/tmp', '/none']).pipe(exec('stat {}'), toOutcomes('-')).subscribe();
 */
export function toOutcomes<T>(path: string, runtime: Runtime = defaultRuntime()): OperatorFunction<T, OutcomeOf<T>> {
  return sinkOf(outcomesSink, parseOptions(outcomesSinkOptions, { path }, 'toOutcomes'), runtime);
}

export const outcomesSink = defineSink({
  name: 'outcomes',
  main: 'path',
  status: 'stable',
  summary: 'Writes a line of JSON for each item that is settled: whether it went well, and its result or error.',
  takes: 'settled',
  options: outcomesSinkOptions,
  examples: [{ title: 'Standard output', options: { path: '-' } }],
  open: ({ path }, runtime) =>
    openOutput(path, runtime, (output) => lineWriter(output, (item) => lineOf(item, runtime))),
});

function lineOf(item: Item, runtime: Runtime): string {
  const { id, error, data } = item;
  const command = commandResultOf(item);
  const metrics = command === undefined ? {} : { metrics: { ms: Math.round(command.ms) } };
  if (error === undefined) return jsonLine({ id, success: true, result: data ?? null, ...metrics });
  const { code, message, class: kind, inDoubt } = error;
  const outcome = inDoubt ? { outcome: 'in-doubt' } : {};
  const result =
    command === undefined
      ? {}
      : { result: JSON.parse(redactedJson(command, (text) => runtime.redact(text))) as unknown };
  return jsonLine({ id, success: false, ...outcome, error: { code, class: kind, message }, ...result, ...metrics });
}
