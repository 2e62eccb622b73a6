import { BatchxError, type CommandOutputOptions, Item, toCommandOutput } from 'batchx';
import { fakeRuntime, type FakeRuntimeOptions, sinkContract } from 'batchx/testing';
import fc from 'fast-check';
import { from, lastValueFrom, map, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { tagged } from '../../src/core/tagged.js';
import { captured, itemsOf, type Ran, resultOf } from './commands.js';

async function written(commands: readonly Ran[], options: CommandOutputOptions = {}, of: FakeRuntimeOptions = {}) {
  const runtime = fakeRuntime(of);
  const outcomes = await lastValueFrom(from(itemsOf(...commands)).pipe(toCommandOutput(options, runtime), toArray()));
  return { ...runtime, stdout: runtime.stdout, stderr: runtime.stderr, statuses: outcomes.map(({ status }) => status) };
}

describe('toCommandOutput', () => {
  it('keeps the contract of sinks', async () => {
    await sinkContract(
      (runtime) => (items) =>
        items.pipe(
          map((item) => (item.live ? item.withData(resultOf({ stdout: `${item.id}\n` })) : item)),
          toCommandOutput({}, runtime),
        ),
    );
  });

  it('writes both streams of each, and of those that failed too', async () => {
    const { stdout, stderr, statuses } = await written([
      { stdout: 'a', stderr: 'A' },
      { stdout: 'b\n', exitCode: 1 },
      {},
      { stderr: 'D\n', signal: 'SIGKILL' },
    ]);
    expect([stdout, stderr, statuses]).toEqual(['ab\n', 'AD\n', ['ok', 'failed', 'ok', 'failed']]);
  });

  it('writes what is not in memory a block at a time, and waits for each', async () => {
    const sizes: number[] = [];
    let writing = 0;
    const stdout = async (bytes: Uint8Array): Promise<void> => {
      expect(++writing).toBe(1);
      sizes.push(bytes.length);
      await Promise.resolve();
      writing--;
    };
    const long = captured('0123456789abcdefghij', 3);
    const done = await written([{ stdout: long }, { stdout: 'x' }], {}, { stdout });
    expect(done.stdout).toBe('0123456789abcdefghijx');
    expect(sizes).toEqual([7, 7, 6, 1]);
  });

  it('joins what small ones wrote, as far as nothing comes between', async () => {
    const writes: string[] = [];
    const stdout = (bytes: Uint8Array): void => void writes.push(Buffer.from(bytes).toString());
    const commands = [{ stdout: 'a' }, { stdout: 'b' }, { stdout: 'c', stderr: 'C' }, { stdout: 'd' }, { stdout: 'e' }];
    expect((await written(commands, {}, { stdout })).stdout).toBe('abcde');
    expect(writes).toEqual(['ab', 'c', 'de']);
  });

  it('begins each line with the values, also of those that were joined or cut', async () => {
    const { stdout, stderr } = await written(
      [
        { values: ['a', 'b c'], stdout: '1\n2\n' },
        { values: ['d'], stdout: '3' },
        { values: ['e'], stdout: captured('first line\nsecond line\n', 2), stderr: 'x\n\n' },
      ],
      { tag: true },
    );
    expect(stdout).toBe('a b c\t1\na b c\t2\nd\t3e\tfirst line\ne\tsecond line\n');
    expect(stderr).toBe('e\tx\ne\t\n');
  });

  it('writes bytes as they are, in values too', async () => {
    const writes: Uint8Array[] = [];
    const bytes = Buffer.from([0xff, 0, 0x0a, 0xfe]);
    const stdout = (block: Uint8Array): void => void writes.push(Buffer.from(block));
    await written([{ values: [Buffer.from([0xfd]), 'a'], stdout: captured(bytes) }], { tag: true }, { stdout });
    const tag = [0xfd, 0x20, 0x61, 0x09];
    expect([...Buffer.concat(writes)]).toEqual([...tag, 0xff, 0, 0x0a, ...tag, 0xfe]);
  });

  it('may only settle the items', async () => {
    const { stdout, statuses } = await written([{ stdout: 'a' }, { exitCode: 1 }], { show: false });
    expect([stdout, statuses]).toEqual(['', ['ok', 'failed']]);
  });

  it('passes by what was no command', async () => {
    const runtime = fakeRuntime();
    const items = [Item.of('x'), Item.of('y').fail(new BatchxError('parse', 'no'))];
    await lastValueFrom(from(items).pipe(toCommandOutput({}, runtime), toArray()));
    expect([runtime.stdout, runtime.counts.failed]).toEqual(['', 1]);
  });

  it('lets an output that cannot be written end it', async () => {
    const stdout = (): never => {
      throw new BatchxError('closed', 'gone');
    };
    await expect(written([{ stdout: 'a' }], {}, { stdout })).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('tagged', () => {
  it('gives what one block would give, wherever the blocks are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'bc', '\n', '\n\n')), fc.array(fc.nat(20)), (pieces, cuts) => {
        const whole = Buffer.from(pieces.join(''));
        const mark = tagged('t\t');
        const ends = [...cuts.toSorted((a, b) => a - b), whole.length];
        const blocks = ends.map((end, i) => mark(whole.subarray(ends[i - 1] ?? 0, end)));
        expect(Buffer.concat(blocks).toString()).toBe(whole.toString().replace(/^(?!$(?![^]))/gm, 't\t'));
      }),
    );
  });
});
