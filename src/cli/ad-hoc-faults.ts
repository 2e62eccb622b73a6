import { BatchxError } from '../core/errors.js';
import type { PlacedFault } from '../pipeline/file/faults.js';

/** The flags that say what a key of a pipeline does, where they are not called as it is. */
const FLAGS: Readonly<Record<string, string>> = {
  body: '--data',
  json: '--json-body',
  headers: '--header',
  secrets: '--secret',
  path: '--in',
};

/** What is wrong with a command line that is run as a pipeline: told by its flags, not by the keys of a file. */
export const adHocError = (faults: readonly PlacedFault[]): BatchxError =>
  new BatchxError('usage', [...new Set(faults.map(faultLine))].join('\n'));

function faultLine({ path, message }: PlacedFault): string {
  const [part, , key] = path.split('.');
  const about = part === 'steps' ? key : part;
  const known =
    about === undefined ? undefined : (FLAGS[about] ?? (OPTIONS.has(about) ? `--${kebab(about)}` : undefined));
  const told = message.replace('declare it under `requires.env`', 'name it by --secret');
  const env = /`env\.(\w+)` is not known/.exec(told)?.[1];
  return `${known === undefined ? '' : `${known}: `}${env === undefined ? told : told.replace(/--secret$/, `--secret ${env}`)}`;
}

/** The keys that have a flag of their name. */
const OPTIONS = new Set([
  'query',
  'form',
  'expect',
  'success',
  'throttled',
  'maxBody',
  'headersTimeout',
  'bodyTimeout',
  'idempotencyKey',
  'creates',
  'cwd',
  'env',
  'cache',
  'halt',
  'rate',
  'timeout',
  'id',
  'as',
]);

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
