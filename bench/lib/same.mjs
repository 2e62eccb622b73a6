import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** Throws unless two files hold the same JSON values, line by line; gives how many. Spelling may differ: 1.0 and 1. */
export async function sameRows(ours, theirs) {
  const other = createInterface({ input: createReadStream(theirs) })[Symbol.asyncIterator]();
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(ours) })) {
    count++;
    const { value: expected } = await other.next();
    if (
      line !== expected &&
      (expected === undefined || JSON.stringify(JSON.parse(line)) !== JSON.stringify(JSON.parse(expected)))
    ) {
      throw new Error(`not the same work: line ${count} is ${line}, the peer's ${expected}`);
    }
  }
  if ((await other.next()).done !== true) throw new Error(`not the same work: the peer wrote more than ${count} lines`);
  return count;
}
