import { fstatSync } from 'node:fs';
import { builtin } from '../builtin.js';
import { BatchxError } from '../core/errors.js';
import { createRuntime } from '../core/runtime.js';
import { documentOf } from '../pipeline/file/document.js';
import { type Keys, pipelineIn } from '../pipeline/file/pipeline-file.js';
import { adHocError } from './ad-hoc-faults.js';
import { commandAgain } from './again.js';
import { commandLine } from './command-line.js';
import { isInputClosed, refuseClosedOutput } from './closed.js';
import type { Ending } from './exit.js';
import { rewordFor } from './flag-words.js';
import { httpFlags } from './http-flags.js';
import { type HttpFlags, httpKeys, namesValues, requestKeys } from './http-keys.js';
import { httpWords } from './http-words.js';
import { inputOf } from './keys-of-plan.js';
import type { ParsedLine } from './parse-line.js';
import { runChecked } from './pipeline-run.js';
import { printPipeline, runFlagsOf } from './print-pipeline.js';
import { checkFailed } from './row-failed.js';
import { rowSources } from './row-sources.js';
import { telling } from './tell-requests.js';
import { say } from './terminal.js';
import { expectFolder } from './working-folder.js';

type Line = ParsedLine<typeof httpFlags>;

/** Makes a request for each item, by the pipeline that a file would have, and gives how the program ends. */
export async function runRequests(line: Line): Promise<Ending> {
  const { flags, args } = line;
  refuseTogether(flags);
  const bodies = [flags.data, flags['json-body'], flags.form].filter((body) => body !== undefined);
  const { request, words, inputs } = httpWords(line.positionals, line.literals ?? [], bodies.length > 0);
  expectFolder();
  const keys = httpKeys(request, await inputFor(requestKeys(request, flags), inputs, line), flags);
  if (flags['print-pipeline']) return printPipeline('http', keys, besideOf(flags));
  refuseClosedOutput();
  const { failed } = flags;
  if (failed !== undefined && !flags['dry-run']) await checkFailed(failed);
  const file = pipelineIn(documentOf(keys, 'http'), builtin);
  // All but what a file cannot say is in the keys.
  return runChecked(
    file,
    { ...flags, failed: undefined, concurrency: undefined, 'keep-order': undefined },
    {
      again: (letters, elsewhere) =>
        elsewhere
          ? undefined
          : commandAgain('http', httpFlags, args, letters, {
              words,
              without: line.literals ? ['arg-file', 'in'] : ['arg-file'],
            }),
      workersBy: 'flag',
      job: 'http-*',
      command: commandLine('http', args),
      retrying: line.retrying,
      told: adHocError,
      reword: (error) => inFlags(rewordFor(httpFlags)(error)),
      prepare: (runtime) => (flags.verbose ? telling(runtime) : runtime),
    },
  );
}

/** The input of the pipeline: rows, values, or where nothing of a row is asked for, one item for one request. */
async function inputFor(step: Keys, inputs: readonly string[], line: Line): Promise<Keys> {
  const { flags, literals } = line;
  const { 'arg-file': list, id } = flags;
  if (list !== undefined) {
    if (inputs.length > 0 || literals !== undefined) {
      throw new BatchxError(
        'usage',
        `expected values in one place, got ${[...inputs, ...(literals ?? [])].join(' ')} beside -a ${list}`,
      );
    }
    return inputOf(
      await rowSources([list], { ...rowLine(line), flags: { ...flags, in: 'lines' } as never }, createRuntime()),
      builtin,
    );
  }
  const mark = literals?.find((value) => /^::::?\+?$/.test(value));
  if (mark !== undefined)
    throw new BatchxError(
      'usage',
      `expected one list of values, got another behind \`${mark}\`: rows have several fields`,
    );
  if (inputs.length === 0 && literals === undefined && flags.in === undefined && !namesValues(step)) {
    tellOne(flags);
    return { items: [{}] };
  }
  const input = inputOf(await rowSources(inputs, rowLine(line), createRuntime()), builtin);
  if (flags.delimiter !== undefined && !('csv' in input)) {
    throw new BatchxError('usage', 'expected --delimiter only with CSV: the input is something else');
  }
  if (id === undefined) return input;
  if ('items' in input || 'lines' in input)
    throw new BatchxError('usage', 'expected --id with rows: values and lines have no fields');
  return { ...input, id };
}

const rowLine = ({ flags, literals }: Line) => ({ flags: flags as never, literals, positionals: [], args: [] });

/** Says so where somebody may have meant rows to be read. */
function tellOne({ quiet, 'print-pipeline': print }: HttpFlags): void {
  if (quiet || print || isInputClosed()) return;
  const input = fstatSync(0);
  if (input.isFIFO() || input.isFile()) {
    say(
      'nothing in the request stands for a value of a row: one request is made; `-` makes one for each row of standard input',
    );
  }
}

function refuseTogether({ data, 'json-body': json, form, rate, delay }: HttpFlags): void {
  const refuse = (given: Readonly<Record<string, unknown>>, why: string): void => {
    const names = Object.keys(given).filter((name) => given[name] !== undefined);
    if (names.length > 1)
      throw new BatchxError('usage', `expected one of ${names.join(', ')}, got ${names.length}: ${why}`);
  };
  refuse({ '--data': data, '--json-body': json, '--form': form }, 'a request has one body');
  refuse({ '--rate': rate, '--delay': delay }, 'a delay of 2s is a rate of 1/2s');
}

const besideOf = (flags: HttpFlags) => ({
  flags: [
    ...runFlagsOf(flags),
    ...(flags.json ? ['--json'] : []),
    ...(flags.report === undefined ? [] : [`--report ${flags.report}`]),
    ...(flags['report-items'] === undefined ? [] : [`--report-items ${flags['report-items']}`]),
  ],
  notes: flags.verbose
    ? ['--verbose is not for files; --dry-run tells the requests, and --report-items each item.']
    : [],
});

/** What a message says of options that a flag here sets. */
const inFlags = (message: string): string =>
  message
    .replace('came from data: `allowPrivate` allows that', 'came from data: --allow-private allows that')
    .replace(/, which `redirects` would follow$/, ', which --location would follow');
