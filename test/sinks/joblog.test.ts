import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchxError, CommandError, Item, toJoblog } from 'batchx';
import { fakeRuntime, sinkContract } from 'batchx/testing';
import { from, lastValueFrom, map, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../contract/temp.js';
import { itemsOf, resultOf } from './commands.js';

const HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n';

async function logOf(items: readonly Item[]): Promise<string> {
  const path = join(temporaryFolder(), 'log');
  writeFileSync(path, 'old');
  await lastValueFrom(from(items).pipe(toJoblog(path, fakeRuntime()), toArray()));
  return readFileSync(path, 'utf8');
}

describe('toJoblog', () => {
  it('keeps the contract of sinks', async () => {
    const path = join(temporaryFolder(), 'log');
    await sinkContract(
      (runtime) => (items) =>
        items.pipe(
          map((item) => (item.live ? item.withData(resultOf({})) : item)),
          toJoblog(path, runtime),
        ),
    );
  });

  it('writes a line for each command, in the columns of GNU parallel', async () => {
    const items = itemsOf(
      { startedAt: 1_700_000_000_123.4, ms: 1234.56, stdout: 'four', command: 'echo a' },
      { startedAt: 1, ms: 12_345_678, exitCode: 3, command: 'false' },
      { signal: 'SIGKILL', command: 'x' },
    );
    expect(await logOf(items)).toBe(
      HEADER +
        '1\t:\t1700000000.123\t     1.235\t0\t4\t0\t0\techo a\n' +
        '2\t:\t0.001\t 12345.678\t0\t0\t3\t0\tfalse\n' +
        '3\t:\t0.000\t     0.000\t0\t0\t0\t9\tx\n',
    );
  });

  it('says of a command that took too long -1, as GNU parallel does, however it ended', async () => {
    const late = (ran: Parameters<typeof resultOf>[0]): Item =>
      Item.of(0).fail(new CommandError('took longer', resultOf(ran), { code: 'timeout' }));
    const log = await logOf([late({ signal: 'SIGTERM' }), late({ exitCode: 0 })]);
    expect(log.split('\n').map((line) => line.split('\t').slice(6, 8))).toEqual([
      ['Exitval', 'Signal'],
      ['-1', '15'],
      ['-1', '0'],
      [],
    ]);
  });

  it('keeps a command in one line and in one column', async () => {
    const log = await logOf(itemsOf({ command: `sh -c 'a\n\tb\n' c` }));
    expect(log.split('\n')[1]!.split('\t').slice(8)).toEqual([`sh -c 'a\\n\\tb\\n' c`]);
  });

  it('leaves out items for which nothing was run, and has a header in any case', async () => {
    expect(await logOf([])).toBe(HEADER);
    const items = [Item.of('x').fail(new BatchxError('parse', 'no')), Item.of('y').skip('already-done')];
    expect(await logOf(items)).toBe(HEADER);
  });
});
