import { BatchxError } from '../core/errors.js';
import type { Input } from '../core/input.js';
import { Item } from '../core/item.js';
import { type ArgumentReader, type Row, rowsOf } from './argument-reader.js';
import { type Combined, type Held, labelsOf, rowAt } from './argument-rows.js';

/** A list that can be read: a file, or values. */
export interface Listed {
  readonly input: Input | undefined;
  readonly reader: ArgumentReader;
  readonly values: readonly (string | number | Uint8Array)[];
  /** Whether the values of the file end with NUL. */
  readonly null: boolean;
}

/** All of a list. What cannot be read of it would be missing from every item, so that nothing can be run. */
export async function hold(list: Listed, signal: AbortSignal): Promise<Held> {
  const rows: Row[] = [];
  const { input, reader } = list;
  if (input === undefined) return holdValues(list);
  for await (const block of rowsOf(input.open(signal), input.name, reader, list.null)) {
    for (const { data, error, where } of block) {
      if (error !== undefined)
        throw new BatchxError('input', `${where ?? input.name}: ${error.message}`, { cause: error });
      rows.push(data);
    }
  }
  return { rows, labels: labelsOf(rows), names: reader.names };
}

function holdValues({ reader, values }: Listed): Held {
  const rows = values.flatMap((value) => {
    const item = reader.given(value instanceof Uint8Array ? value : String(value));
    return item === undefined ? [] : [item.data];
  });
  return { rows, labels: labelsOf(rows), names: reader.names };
}

/** A row of the first list, and the line that it was. */
export interface FirstRow {
  readonly from: Item;
  readonly row: Combined | undefined;
}

/** The rows of the list that is not held, while they are asked for. */
export const firstRows = (list: Listed, signal: AbortSignal): AsyncIterable<FirstRow[]> | Iterable<FirstRow[]> =>
  list.input === undefined ? valuesOf(list) : linesOf(list, list.input, signal);

function* valuesOf(list: Listed): Generator<FirstRow[]> {
  const held = holdValues(list);
  for (let i = 0; i < held.rows.length; i++) yield [{ from: Item.of(undefined), row: rowAt(held, i) }];
}

async function* linesOf({ reader, null: nul }: Listed, input: Input, signal: AbortSignal): AsyncGenerator<FirstRow[]> {
  for await (const block of rowsOf(input.open(signal), input.name, reader, nul)) {
    yield block.map((from) => {
      // Lines have no id of their own: what has one is a dead letter.
      if (from.error !== undefined || from.extra.id !== undefined) return { from, row: undefined };
      return { from, row: { values: from.data, names: reader.namesOf(from.data), label: undefined } };
    });
  }
}
