import type { Document, Fault } from './document.js';
import type { PlacedFault } from './faults.js';

/** Faults with their places, in the order of the file, each once. */
export function placedFaults(document: Document, faults: readonly Fault[]): PlacedFault[] {
  const all = faults.map(({ path, key, at, message, document: own = document }) => ({
    file: own.name,
    ...own.position(path, key, at),
    path: path.join('.'),
    message,
  }));
  const seen = new Set<string>();
  const files = [...new Set([document.name, ...all.map(({ file }) => file)])];
  const order = ({ file }: PlacedFault): number => files.indexOf(file);
  return all
    .sort((a, b) => order(a) - order(b) || (a.line ?? 0) - (b.line ?? 0) || (a.col ?? 0) - (b.col ?? 0))
    .filter(({ file, line, col, path, message }) => {
      // What an alias stands for is told once, where it is written.
      const key = [file, line === undefined ? path : `${line}:${col ?? ''}`, message].join('\n');
      return !seen.has(key) && seen.add(key);
    });
}
