/** The middle of some numbers; undefined where one of them is missing. */
export function median(numbers) {
  if (numbers.some((number) => number === undefined)) return undefined;
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs each contender once per round, in turn, so that a busy minute of the machine hits them alike. Gives the medians
 * of wall time (in seconds), processor time and memory (in megabytes), and what the last round printed.
 */
export async function alternate(rounds, contenders) {
  const runs = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) runs[name].push(await run());
  }
  return Object.fromEntries(
    Object.entries(runs).map(([name, all]) => {
      const of = (field) => median(all.map((run) => run[field]));
      const peaks = all.map((run) => run.peak);
      const peak = peaks.includes(undefined) ? undefined : Math.max(...peaks);
      return [name, { wall: of('wall'), cpu: of('cpu'), peak, firstByte: of('firstByte'), output: all.at(-1).output }];
    }),
  );
}
