import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import type { ByteWriter } from '../core/bytes-out.js';
import { concatArguments } from '../core/command/argument.js';
import { type CommandResult, commandResultOf } from '../core/command-result.js';
import { defineSink } from '../core/define.js';
import type { Item } from '../core/item.js';
import type { OutcomeOf } from '../core/outcome.js';
import type { Captured } from '../core/process/process.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';
import { tagged } from '../core/tagged.js';

export const commandOutputOptions = z.strictObject({
  show: z
    .boolean()
    .default(true)
    .describe('Whether to write it at all: false where it has been shown already, or is kept in files.'),
  tag: z.boolean().default(false).describe('Begin each line with the values of its item and a tab.'),
});

export type CommandOutputOptions = z.input<typeof commandOutputOptions>;

/**
 * Writes what the command of each item wrote, to standard output and standard error: that of one item whole, before that
 * of the next. Emits an outcome for each item once it is written.
 *
 * Takes items whose data is all that a command did (`exec` with `stdout: 'result'`), and those that failed. Order is kept.
 * What a command wrote beyond its memory is read from its temporary file, a block at a time. An output that cannot be
 * written is the error of the Observable.
 *
 * ```
 * source    -a-b--x-c--|       x failed
 * written   -a-b--x-c--        what each command wrote
 * result    -a-b--x-c--|       outcomes
 * ```
 *
 * @example
 * import { exec, files, toCommandOutput } from 'batchx';
 *
 * files('*.tar').pipe(exec('tar -tf {}', { stdout: 'result', spool: true }), toCommandOutput({ tag: true })).subscribe();
 */
export function toCommandOutput<T>(
  options: CommandOutputOptions = {},
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<T, OutcomeOf<T>> {
  return sinkOf(commandOutputSink, parseOptions(commandOutputOptions, options, 'toCommandOutput'), runtime);
}

export const commandOutputSink = defineSink({
  name: 'command-output',
  status: 'stable',
  summary: 'Writes what each command wrote, whole and one after the other.',
  takes: 'settled',
  shown: ({ show }) => show,
  options: commandOutputOptions,
  examples: [{ title: 'Each line with the values that it is about', options: { tag: true } }],
  open({ show, tag }, { stdio }) {
    return {
      async write(items) {
        if (!show) return;
        for (const run of runsOf(items)) {
          await writeOut(run, 'stdout', stdio.output, tag);
          await writeOut(run, 'stderr', stdio.errors, tag);
        }
      },
      close: () => undefined,
    };
  },
});

/** How much of several results is joined into one write, in bytes. */
const PIECE = 256 * 1024;

/** The results of a block, in runs that are written at once: of a command that said something on both, alone. */
function runsOf(items: readonly Item[]): CommandResult[][] {
  const runs: CommandResult[][] = [];
  let size = Infinity;
  for (const item of items) {
    const result = commandResultOf(item);
    if (result === undefined) continue;
    const { stdout, stderr } = result.output;
    const small = stderr.size === 0 && stdout.size === stdout.kept.length;
    if (small && size + stdout.size <= PIECE) runs.at(-1)?.push(result);
    else runs.push([result]);
    size = small ? (size + stdout.size <= PIECE ? size : 0) + stdout.size : Infinity;
  }
  return runs;
}

async function writeOut(
  run: readonly CommandResult[],
  stream: 'stdout' | 'stderr',
  to: ByteWriter,
  tag: boolean,
): Promise<void> {
  const [only] = run;
  if (run.length === 1 && only !== undefined) {
    const captured = only.output[stream];
    if (captured.size === 0) return;
    const mark = tag ? markOf(only) : undefined;
    for await (const block of blocksOf(captured)) await to.write(mark === undefined ? block : mark(block));
    return;
  }
  const bytes = run.map((result) => {
    const { kept } = result.output[stream];
    return tag ? markOf(result)(kept) : kept;
  });
  const all = Buffer.concat(bytes);
  if (all.length > 0) await to.write(all);
}

const markOf = ({ tag }: CommandResult) => tagged(concatArguments([tag, '\t']));

async function* blocksOf(captured: Captured): AsyncGenerator<Uint8Array> {
  if (captured.size === captured.kept.length) yield captured.kept;
  else yield* captured.blocks();
}
