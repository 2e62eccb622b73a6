import { BatchxError } from '../../core/errors.js';
import { type Document, type Fault, placed, type Position } from './document.js';

/** A fault as those read it who have to mend it: people, editors and builds. */
export interface PlacedFault extends Partial<Position> {
  readonly file: string;
  /** The way to it, as `steps.2.exec`. */
  readonly path: string;
  readonly message: string;
}

/** Faults with their places, in the order of the file, each once. */
export function placedFaults(document: Document, faults: readonly Fault[]): PlacedFault[] {
  const all = faults.map(({ path, key, message, document: own = document }) => ({
    file: own.name,
    ...own.position(path, key),
    path: path.join('.'),
    message,
  }));
  const seen = new Set<string>();
  const files = [...new Set([document.name, ...all.map(({ file }) => file)])];
  const order = ({ file }: PlacedFault): number => files.indexOf(file);
  return all
    .sort((a, b) => order(a) - order(b) || (a.line ?? 0) - (b.line ?? 0) || (a.col ?? 0) - (b.col ?? 0))
    .filter(({ file, path, message }) => {
      const key = [file, path, message].join('\n');
      return !seen.has(key) && seen.add(key);
    });
}

/** One line: where, and what is wrong. */
export function faultLine({ file, line, col, path, message }: PlacedFault): string {
  if (line !== undefined && col === undefined) return `${file}:${line}: ${message}`;
  const where = line === undefined || col === undefined ? undefined : { line, col };
  const what = where === undefined && path !== '' ? `\`${path}\`: ${message}` : message;
  return `${placed(file, where)}: ${what}`;
}

/** All faults as one error: nothing was started. */
export const faultsError = (faults: readonly PlacedFault[]): BatchxError =>
  new BatchxError('usage', faults.map(faultLine).join('\n'));
