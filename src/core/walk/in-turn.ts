/** So many questions are put to the file system at a time. */
const AT_ONCE = 32;

/** The answers for all values, in the order of the values. */
export async function inTurn<T, R>(values: readonly T[], ask: (value: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let i = 0; i < values.length; i += AT_ONCE) {
    answers.push(...(await Promise.all(values.slice(i, i + AT_ONCE).map(ask))));
  }
  return answers;
}
