import { builtin } from '../builtin.js';
import { printable } from '../core/printable.js';
import { createRuntime } from '../core/runtime.js';
import { Secrets } from '../core/secrets.js';
import { checkItems, type ItemsChecked } from '../pipeline/check-items.js';
import { examinePipeline } from '../pipeline/file/check.js';
import { secretsOf } from '../pipeline/file/context.js';
import { faultLine, FaultsError, type PlacedFault } from '../pipeline/file/faults.js';
import type { PipelineFile } from '../pipeline/file/pipeline-file.js';
import { type Ending, EXIT } from './exit.js';
import { type PipelineLine, pipelinesOf } from './pipeline-of.js';
import { number } from './progress-line.js';
import { hideWith, say } from './terminal.js';
import { whileLoading } from './user-modules.js';
import { writeOut } from './write-out.js';

interface CheckLine extends PipelineLine {
  readonly flags: PipelineLine['flags'] & { readonly json: boolean; readonly items: boolean };
}

/** Tells what is wrong with the file of a pipeline, and with its items where that is asked; gives how the program ends. */
export async function checkFile(line: CheckLine): Promise<Ending> {
  const { json, items } = line.flags;
  const { faults, warnings, told } = await examined(line);
  if (json) await writeOut(`${JSON.stringify([...faults, ...warnings.map(asWarning)], null, 2)}\n`);
  else if (faults.length > 0) await writeOut(faults.map((fault) => `${printable(faultLine(fault))}\n`).join(''));
  say(...warnings.map((fault) => `${faultLine(fault)} (a warning)`));
  if (items || (faults.length === 0 && !json)) say(...told);
  return faults.length > 0 ? EXIT.usage : EXIT.ok;
}

/** What is wrong with a file, and what there is to tell of it besides. */
interface Examined {
  readonly faults: readonly PlacedFault[];
  readonly warnings: readonly PlacedFault[];
  readonly told: readonly string[];
}

/** Looks at the pipeline that is meant, or at all of the file. */
async function examined(line: CheckLine): Promise<Examined> {
  let files: [PipelineFile, ...PipelineFile[]];
  try {
    files = await whileLoading(() => pipelinesOf(line));
  } catch (error) {
    if (error instanceof FaultsError) return { faults: error.faults, warnings: [], told: [] };
    throw error;
  }
  const runtime = createRuntime();
  const secrets = new Secrets(files.flatMap((file) => secretsOf(file, runtime)));
  hideWith((text) => secrets.redact(text));
  const all: Examined[] = [];
  for (const file of files) all.push(await whileLoading(() => examinedOne(file, line.flags.items, files.length > 1)));
  const faults = all.flatMap((each) => each.faults).map((fault) => hidden(fault, secrets));
  const { name } = files[0].document;
  const told = line.flags.items ? all.flatMap((each) => each.told) : [`${name}: nothing is wrong with it`];
  return { faults: eachOnce(faults), warnings: eachOnce(all.flatMap((each) => each.warnings)), told };
}

async function examinedOne(file: PipelineFile, items: boolean, oneOfSeveral: boolean): Promise<Examined> {
  const runtime = createRuntime();
  const { faults, warnings } = await examinePipeline(file, runtime);
  if (!items) return { faults, warnings, told: [] };
  const name = oneOfSeveral ? `${file.document.name} (${file.name})` : file.document.name;
  // Of a pipeline that is wrong it cannot be known what it would do with its items.
  if (faults.length > 0) return { faults, warnings, told: [`${name}: the items are looked at once this is mended`] };
  const checked = await checkItems(file, { registry: builtin, runtime });
  return { faults: checked.faults, warnings, told: itemLines(name, checked) };
}

/** What stands beside several pipelines is wrong with each of them. */
const eachOnce = (faults: readonly PlacedFault[]): PlacedFault[] => [
  ...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values(),
];

const hidden = (fault: PlacedFault, secrets: Secrets): PlacedFault => ({
  ...fault,
  message: secrets.redact(fault.message),
});

const asWarning = (fault: PlacedFault) => ({ ...fault, warning: true });

/** What the input has, and what of it could not be looked at. */
function itemLines(name: string, { faults, items, skipped, files, later }: ItemsChecked): string[] {
  const passed = skipped === 0 ? '' : `, ${number(skipped)} of them left out`;
  const written = files === 0 ? '' : `, ${counted(files, 'file')} to write`;
  const wrong = faults.length === 0 ? '; nothing is wrong with it' : '';
  const rest = later.length === 0 ? [] : [`${later.join(', ')}: known only once items come there, and looked at then`];
  return [`${name}: ${counted(items, 'item')}${passed}${written}${wrong}`, ...rest];
}

const counted = (count: number, what: string): string => `${number(count)} ${what}${count === 1 ? '' : 's'}`;
