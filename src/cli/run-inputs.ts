import { statSync } from 'node:fs';
import { BatchxError } from '../core/errors.js';
import { isLetterFile } from '../core/letter-file.js';
import { entriesOf, type PipelineFile } from '../pipeline/file/pipeline-file.js';
import { endingsOf, filesOf, FORMATS, type Format } from './inputs.js';

/**
 * What a command line reads in place of a pipeline's own input: as that would be read. Undefined where it names none.
 * `written` gives what the run writes to.
 */
export async function inputFor(
  file: PipelineFile,
  inputs: readonly string[],
  literals: readonly string[] | undefined,
  written: () => readonly string[] = () => [],
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (literals !== undefined && inputs.length > 0)
    throw new BatchxError('usage', `expected either inputs or values behind \`:::\`, got both (${inputs.join(' ')})`);
  if (literals !== undefined) return { items: literals };
  if (inputs.length === 0) return undefined;
  const [entry] = entriesOf(file, 'input');
  const { form, value } = entry ?? {};
  const listed = form?.verb === 'items';
  // Values that failed are read as what they were.
  if (listed && (await Promise.all(inputs.map(isLetterFile))).every(Boolean)) return { jsonl: inputs };
  const own = form?.definition.main === undefined || listed ? 'files' : form.verb;
  // Standard input has no names of files: what has no format of its own is rows.
  const verb = own === 'files' && inputs.includes('-') ? 'jsonl' : own;
  const paths = isFormat(verb)
    ? await filesOf(
        inputs.map((input) => within(input, verb)),
        false,
        written(),
      )
    : inputs;
  return { ...(form?.verb === verb ? value : {}), [verb]: paths.length === 1 ? paths[0] : paths };
}

const isFormat = (verb: string): verb is Format => (FORMATS as readonly string[]).includes(verb);

/** A folder stands for the files of its format in it. */
const within = (input: string, format: Format): string =>
  input !== '' && statSync(input, { throwIfNoEntry: false })?.isDirectory() === true
    ? `${input.replace(/\/+$/, '')}/**/*.${endingsOf(format)}{,.gz}`
    : input;
