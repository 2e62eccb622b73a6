const cell = (value, unit, digits) => (value === undefined ? '-' : `${value.toFixed(digits)} ${unit}`);

/** Prints what each contender took, one line each. */
export function printRuns(results) {
  const rows = Object.entries(results).map(([name, { wall, cpu, peak, note = '' }]) => [
    name,
    cell(wall, 's', 3),
    cell(cpu, 's', 2),
    cell(peak, 'MB', 0),
    note,
  ]);
  const table = [['', 'wall', 'CPU', 'peak memory', ''], ...rows];
  const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)));
  for (const row of table) {
    const cells = row.map((text, i) => (i === 0 || i === 4 ? text.padEnd(widths[i]) : text.padStart(widths[i])));
    console.log(`  ${cells.join('  ').trimEnd()}`);
  }
}

/** Something a bench has to reach: `at` is what was measured. */
export const atLeast = (what, at, goal, unit = 'x') => ({ what, at, goal, unit, sign: '>=', met: at >= goal });
export const atMost = (what, at, goal, unit = 'x') => ({
  what,
  at,
  goal,
  unit,
  sign: '<=',
  met: at === undefined ? undefined : at <= goal,
});

/** Two digits that count, and as many more as it takes to see by the rounded figure whether the goal was met. */
export function figure({ at, goal, unit, sign }) {
  if (at === undefined) return '-';
  const meets = (value) => (sign === '<=' ? value <= goal : value >= goal);
  let digits = unit === 'x' ? 2 : Math.max(0, 1 - Math.floor(Math.log10(Math.abs(at) || 10)));
  while (digits < 9 && meets(Number(at.toFixed(digits))) !== meets(at)) digits++;
  return cell(at, unit, digits).trimEnd();
}

/** Prints each goal and whether it was met; gives false when one was missed. */
export function printGoals(goals) {
  for (const measured of goals) {
    const { what, goal, unit, sign, met } = measured;
    const verdict = met === undefined ? 'not measured' : met ? 'met' : 'MISSED';
    console.log(`  ${what}: ${figure(measured)}, to reach ${sign} ${goal} ${unit}: ${verdict}`);
  }
  return goals.every(({ met }) => met !== false);
}
