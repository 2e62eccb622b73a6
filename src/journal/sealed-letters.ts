import { BatchxError } from '../core/errors.js';
import { crc32c } from './crc32c.js';
import { hex32 } from './hex.js';

/** What a letter begins with, and where its sum stands in it. */
const MARK = '{"$batchx":"failed",';
const SUM = /^(\{"\$batchx":"failed",)"sum":"([\da-f]{8})",/;

const sumOf = (rest: string): string => hex32(crc32c(Buffer.from(rest)));

/** Letters, each in its line, with the sums of all that is said behind them: what was altered since is not run again for them. */
export const sealed = (letters: string): string =>
  letters
    .split('\n')
    .map((line) =>
      line.startsWith(MARK) ? `${MARK}"sum":"${sumOf(line.slice(MARK.length))}",${line.slice(MARK.length)}` : line,
    )
    .join('\n');

/** A letter as it was before it was sealed. Throws when it is not what was written; one without a sum is taken as it is. */
export function unsealed(line: string, path: string): string {
  const [seal, mark = '', sum] = SUM.exec(line) ?? [];
  if (seal === undefined) return line;
  const rest = line.slice(seal.length);
  if (sumOf(rest) === sum) return mark + rest;
  const what = `a dead letter of the job is not what was written: the line of ${path} that begins with ${seal}`;
  const how = '`--retry failed` runs what has failed from its input; without its `sum` the letter is taken as it is';
  throw new BatchxError('locked', `${what}; ${how}`, { where: path });
}
