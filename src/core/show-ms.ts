/** A length of time in milliseconds as messages show it: in one unit, as options are written, and rounded. */
export function showMs(ms: number): string {
  const [unit, size] = units.find(([, each]) => ms >= each) ?? ['ms', 1];
  return `${Number((ms / size).toFixed(unit === 'ms' ? 0 : 1))}${unit}`;
}

const units: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];
