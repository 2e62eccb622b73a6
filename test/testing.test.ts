import { delay } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fakeRuntime, marbles } from 'batchx/testing';

describe('marbles', () => {
  it(
    'plays time',
    marbles(({ cold, expectObservable }) => {
      const source = cold(' a-b--|');
      const expected = '    --a-b|';
      expectObservable(source.pipe(delay(2))).toBe(expected);
    }),
  );

  it('throws when what comes out differs', () => {
    const test = marbles(({ cold, expectObservable }) => {
      expectObservable(cold('a|', { a: { n: 1 } })).toBe('a|', { a: { n: 2 } });
    });
    expect(test).toThrow();
  });

  it(
    'is the time of a fake runtime',
    marbles(({ flush, cold }) => {
      const runtime = fakeRuntime({ wallStart: 500 });
      const seen: number[] = [];
      cold('-----a|').subscribe(() => seen.push(runtime.scheduler.now(), runtime.wallNow()));
      flush();
      expect(seen).toEqual([5, 505]);
    }),
  );
});

describe('fakeRuntime', () => {
  it('overwrites a block of standard input once the next one is asked for', async () => {
    const blocks: Buffer[] = [];
    for await (const block of fakeRuntime({ stdin: ['ab', 'cd'] }).stdio.input(new AbortController().signal))
      blocks.push(block);
    expect(blocks.map((block) => [...block])).toEqual([
      [0xff, 0xff],
      [0xff, 0xff],
    ]);
  });

  it('collects what is written, once it is accepted', async () => {
    let accept = (): void => undefined;
    const runtime = fakeRuntime({ stdout: () => new Promise<void>((resolve) => (accept = resolve)) });
    const written = runtime.stdio.output.write(Buffer.from('a\n'));
    expect(runtime.stdout).toBe('');
    accept();
    await written;
    expect(runtime.stdout).toBe('a\n');
  });

  it('repeats its random numbers', () => {
    const draw = () => Array.from({ length: 5 }, fakeRuntime().random);
    expect(draw()).toEqual(draw());
    expect(new Set(draw()).size).toBe(5);
    expect(draw().every((n) => n >= 0 && n < 1)).toBe(true);
  });

  it('can be stopped and aborted', () => {
    const runtime = fakeRuntime();
    runtime.stop();
    expect([runtime.stopping.aborted, runtime.signal.aborted]).toEqual([true, false]);
    runtime.abort();
    expect(runtime.signal.aborted).toBe(true);
  });
});
