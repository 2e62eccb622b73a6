import { builtin } from '../builtin.js';
import { printable } from '../core/printable.js';
import { createRuntime } from '../core/runtime.js';
import { Secrets } from '../core/secrets.js';
import { checkItems, type ItemsChecked } from '../pipeline/check-items.js';
import { examinePipeline } from '../pipeline/file/check.js';
import { secretsOf } from '../pipeline/file/context.js';
import { faultLine, type PlacedFault } from '../pipeline/file/faults.js';
import { type Ending, EXIT } from './exit.js';
import { type PipelineLine, pipelineOf } from './pipeline-of.js';
import { number } from './progress-line.js';
import { hideWith, say } from './terminal.js';
import { divertConsole } from './user-console.js';
import { writeOut } from './write-out.js';

interface CheckLine extends PipelineLine {
  readonly flags: PipelineLine['flags'] & { readonly json: boolean; readonly items: boolean };
}

/** Tells what is wrong with the file of a pipeline, and with its items where that is asked; gives how the program ends. */
export async function checkFile(line: CheckLine): Promise<Ending> {
  const { json, items } = line.flags;
  const file = await pipelineOf(line);
  const runtime = createRuntime();
  const secrets = new Secrets(secretsOf(file, runtime));
  hideWith((text) => secrets.redact(text));
  divertConsole();
  const { faults: own, warnings } = await examinePipeline(file, runtime);
  // Of a pipeline that is wrong it cannot be known what it would do with its items.
  const checked = items && own.length === 0 ? await checkItems(file, { registry: builtin, runtime }) : undefined;
  const faults = [...own, ...(checked?.faults ?? [])].map((fault) => hidden(fault, secrets));
  if (json) await writeOut(`${JSON.stringify([...faults, ...warnings.map(asWarning)], null, 2)}\n`);
  else if (faults.length > 0) await writeOut(faults.map((fault) => `${printable(faultLine(fault))}\n`).join(''));
  say(...warnings.map((fault) => `${faultLine(fault)} (a warning)`));
  const { name } = file.document;
  if (checked !== undefined) say(...itemLines(name, checked));
  else if (items) say(`${name}: the items are looked at once this is mended`);
  else if (faults.length === 0 && !json) say(`${name}: nothing is wrong with it`);
  return faults.length > 0 ? EXIT.usage : EXIT.ok;
}

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
