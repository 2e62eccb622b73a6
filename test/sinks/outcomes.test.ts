import { BatchxError, Item, toOutcomes } from 'batchx';
import { fakeRuntime, sinkContract } from 'batchx/testing';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { captured, itemsOf } from './commands.js';

async function linesOf(items: readonly Item[]): Promise<unknown[]> {
  const runtime = fakeRuntime();
  await lastValueFrom(from(items).pipe(toOutcomes('-', runtime), toArray()));
  return runtime.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

describe('toOutcomes', () => {
  it('keeps the contract of sinks', async () => {
    await sinkContract((runtime) => toOutcomes('-', runtime));
  });

  it('writes whether it went well, and the data or the error', async () => {
    const items = [
      Item.of({ a: 1 }, { id: 'one' }),
      Item.of(undefined, { id: 'two' }),
      Item.of('x', { id: 'three' }).fail(new BatchxError('parse', 'no number')),
      Item.of('x', { id: 'four' }).skip('filtered'),
    ];
    expect(await linesOf(items)).toEqual([
      { id: 'one', success: true, result: { a: 1 } },
      { id: 'two', success: true, result: null },
      { id: 'three', success: false, error: { code: 'parse', class: 'permanent', message: 'no number' } },
    ]);
  });

  it('writes what a command did, whether that went well or not', async () => {
    const [ok, bad] = await linesOf(
      itemsOf(
        { command: 'echo a', stdout: 'a\n', ms: 12.6 },
        { command: 'x', stdout: captured('0123456789', 4), stderr: 'oh\n', exitCode: 2, ms: 3 },
      ),
    );
    expect(ok).toEqual({
      id: '#1',
      success: true,
      result: { command: 'echo a', exitCode: 0, stdout: 'a\n', stderr: '', ms: 13 },
      metrics: { ms: 13 },
    });
    expect(bad).toEqual({
      id: '#2',
      success: false,
      error: { code: 'exec', class: 'permanent', message: 'exit code 2' },
      result: { command: 'x', exitCode: 2, stdout: '0123', stderr: 'oh\n', truncated: true, stdoutBytes: 10, ms: 3 },
      metrics: { ms: 3 },
    });
  });

  it('tells what is in doubt, and no secret that a command has said as it failed', async () => {
    const doubt = Item.of(1, { id: 'one' }).fail(new BatchxError('http', 'gone', { inDoubt: true }));
    expect(await linesOf([doubt])).toMatchObject([{ id: 'one', success: false, outcome: 'in-doubt' }]);
    const runtime = Object.assign(fakeRuntime(), { redact: (text: string) => text.replaceAll('s3cret', '***') });
    const [failed, well] = itemsOf(
      { command: 'x', stdout: 's3cret\n', stderr: 'no s3cret', exitCode: 2 },
      { command: 'x', stdout: 's3cret\n' },
    );
    await lastValueFrom(from([failed as Item, well as Item]).pipe(toOutcomes('-', runtime), toArray()));
    const [first, second] = runtime.stdout.split('\n');
    expect(first).not.toContain('s3cret');
    expect(JSON.parse(first as string)).toMatchObject({ result: { stdout: '***\n', stderr: 'no ***' } });
    // What went well is the data that were asked for.
    expect(second).toContain('s3cret');
  });

  it('fails an item whose data have no form in JSON', async () => {
    const runtime = fakeRuntime();
    await lastValueFrom(from([Item.of(1n), Item.of(2)]).pipe(toOutcomes('-', runtime), toArray()));
    expect(runtime.counts).toMatchObject({ ok: 1, failed: 1 });
    expect(runtime.stdout).toBe('{"id":"#1","success":true,"result":2}\n');
  });
});
