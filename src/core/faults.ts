import { BatchxError } from './errors.js';

/** One thing that is wrong with data: where in it, what is said of it, and what is there. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  /** What was expected, as a sentence without an end. */
  readonly says: string;
  readonly value: unknown;
}

/** So many faults are named; of the others only the number is said. */
const NAMED = 10;
/** So many characters of a value are shown. */
const SHOWN = 60;

/** The error of data that does not fit: each fault with its path, what was expected and what came. */
export function unfit(faults: readonly Fault[]): BatchxError {
  const named = faults
    .slice(0, NAMED)
    .map(({ path, says, value }) => `${showPath(path)}: ${says}, got ${shorten(value)}`);
  if (faults.length > NAMED) named.push(`and ${faults.length - NAMED} more`);
  return new BatchxError('validation', named.join('; '));
}

/** What lies at a path of some data; undefined where it does not lead anywhere. */
export function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let at = data;
  for (const key of path) at = at === null || at === undefined ? undefined : (at as Record<PropertyKey, unknown>)[key];
  return at;
}

function showPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'data';
  const text = path.map((key, i) => {
    if (typeof key === 'number' || (typeof key === 'string' && /^\d+$/.test(key))) return `[${key}]`;
    if (typeof key === 'string' && !/^[\p{ID_Start}_$][\p{ID_Continue}$-]*$/u.test(key))
      return `[${JSON.stringify(key)}]`;
    return i === 0 ? String(key) : `.${String(key)}`;
  });
  return `\`${text.join('')}\``;
}

function shorten(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = show(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}

function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
