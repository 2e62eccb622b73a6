import { BatchxError } from '../../core/errors.js';

/** Where something is in a file, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly col: number;
}

/** A fault as those read it who have to mend it: people, editors and builds. */
export interface PlacedFault extends Partial<Position> {
  readonly file: string;
  /** The way to it, as `steps.2.exec`. */
  readonly path: string;
  readonly message: string;
}

/** One line: where, and what is wrong. */
export function faultLine({ file, line, col, path, message }: PlacedFault): string {
  if (line !== undefined && col === undefined) return `${file}:${line}: ${message}`;
  const where = line === undefined || col === undefined ? undefined : { line, col };
  const what = where === undefined && path !== '' ? `\`${path}\`: ${message}` : message;
  return `${placed(file, where)}: ${what}`;
}

/** All faults as one error: nothing was started. */
export class FaultsError extends BatchxError {
  readonly faults: readonly PlacedFault[];

  constructor(faults: readonly PlacedFault[], cause?: unknown) {
    super('usage', faults.map(faultLine).join('\n'), { cause });
    this.faults = faults;
  }
}

export const faultsError = (faults: readonly PlacedFault[]): BatchxError => new FaultsError(faults);

/** What is wrong with a file as a whole, so that nothing in it can be looked at. */
export const unusable = (file: string, message: string, position?: Position, cause?: unknown): BatchxError =>
  new FaultsError([{ file, ...position, path: '', message }], cause);

/** `name:line:col`, as far as that is known. */
const placed = (name: string, position: Position | undefined): string =>
  position === undefined ? name : `${name}:${position.line}:${position.col}`;
