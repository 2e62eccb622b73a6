import fc from 'fast-check';
import { fakeRuntime } from 'batchx/testing';
import { describe, expect, it } from 'vitest';
import { LineOutput } from '../../src/cli/line-output.js';

describe('LineOutput', () => {
  it('keeps lines whole and in their order, wherever reads are cut', async () => {
    const piece = fc.constantFrom('a', 'b', '\n', 'x\ny', '\n\n', 'long '.repeat(20));
    const reads = fc.array(fc.record({ seq: fc.nat(2), stream: fc.constantFrom('stdout', 'stderr'), text: piece }));
    await fc.assert(
      fc.asyncProperty(reads, async (all) => {
        const runtime = fakeRuntime();
        const { write } = new LineOutput(runtime.stdio, true);
        const written = new Map<string, string>();
        for (const { seq, stream, text } of all) {
          const key = `${seq}${stream}`;
          written.set(key, (written.get(key) ?? '') + text);
          await write(stream, Buffer.from(text), { seq, tag: `t${seq}` });
        }
        // What has no end yet is not shown before the end.
        expect(runtime.stdout === '' || runtime.stdout.endsWith('\n')).toBe(true);
        for (const seq of [0, 1, 2]) {
          for (const stream of ['stdout', 'stderr'] as const) {
            const before = runtime[stream];
            await write(stream, undefined, { seq, tag: `t${seq}` });
            const rest = (written.get(`${seq}${stream}`) ?? '').split('\n').at(-1) ?? '';
            expect(runtime[stream].slice(before.length)).toBe(rest === '' ? '' : `t${seq}\t${rest}`);
          }
        }
        for (const stream of ['stdout', 'stderr'] as const) {
          for (const seq of [0, 1, 2]) {
            const expected = (written.get(`${seq}${stream}`) ?? '').split('\n').slice(0, -1);
            const shown = runtime[stream]
              .split('\n')
              .slice(0, -1)
              .filter((line) => line.startsWith(`t${seq}\t`));
            expect(shown.slice(0, expected.length)).toEqual(expected.map((line) => `t${seq}\t${line}`));
          }
        }
      }),
    );
  });

  it('does not hold a line without an end for ever', async () => {
    const runtime = fakeRuntime();
    const { write } = new LineOutput(runtime.stdio, false);
    const read = Buffer.alloc(64 * 1024, 'x');
    for (let i = 0; i < 15; i++) await write('stdout', read, { seq: 0, tag: '' });
    expect(runtime.stdout).toBe('');
    await write('stdout', read, { seq: 0, tag: '' });
    expect(runtime.stdout).toHaveLength(1024 * 1024);
  });
});
