import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchxError, filesSink, type Item, literals, type Outcome, toFailed, toFiles, toJsonl } from 'batchx';
import { fakeRuntime, sinkContract } from 'batchx/testing';
import { from, lastValueFrom, type Observable, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { builtin } from '../../src/builtin.js';
import { temporaryFolder } from '../contract/temp.js';
import { upTo } from '../operators/helpers.js';

const all = (outcomes: Observable<Outcome>): Promise<Outcome[]> => lastValueFrom(outcomes.pipe(toArray()));
const said = ({ id, status, reason, error }: Outcome): string =>
  `${id} ${status} ${reason ?? error?.message ?? ''}`.trim();
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const off = { durability: 'off' } as const;

describe('toFiles', () => {
  it('keeps the contract of sinks', async () => {
    const root = temporaryFolder();
    // Of thousands of items most are refused: files take their time.
    const path = (data: unknown): string => {
      const { n } = data as { n: number };
      return `${n < 6 || n % 20 === 0 ? '' : '../'}${n}.json`;
    };
    await sinkContract((runtime) => toFiles(root, { path, onExists: 'overwrite', ...off }, runtime));
    expect(readFileSync(join(root, '8180.json'), 'utf8')).toBe('{"n":8180}\n');
  });

  it('writes the data of each item that is ok, in whatever form it has', async () => {
    const root = join(temporaryFolder(), 'new');
    const values = ['text', { a: 1 }, Buffer.from([0xff]), 7];
    const outcomes = await all(literals(values).pipe(toFiles(root, { path: '{{ index }}' })));
    expect(outcomes.map(said)).toEqual(['#1 ok', '#2 ok', '#3 ok', '#4 ok']);
    expect(values.map((_, n) => readFileSync(join(root, `${n}`)))).toEqual(
      ['text', '{"a":1}\n', Buffer.from([0xff]), '7'].map((content) => Buffer.from(content)),
    );
  });

  it('emits an outcome only once the file is in place', async () => {
    const root = temporaryFolder();
    const seen: boolean[] = [];
    const outcomes = literals(upTo(20)).pipe(toFiles(root, { path: '{{ data }}', ...off }));
    await new Promise<void>((resolve, reject) =>
      outcomes.subscribe({
        next: ({ item }) => seen.push(readdirSync(root).includes(String(item.data))),
        error: reject,
        complete: resolve,
      }),
    );
    expect(seen).toEqual(upTo(20).map(() => true));
  });

  it('refuses items alone, skips what is there when told, and counts them so', async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'folder'));
    writeFileSync(join(root, 'there'), 'old');
    const runtime = fakeRuntime();
    const rows = ['a', 'a', 'folder', 'there', '../x'].map((path) => ({ path }));
    const options = { path: '{{ path }}', content: 'x', onExists: 'skip', ...off } as const;
    const failed = join(root, 'failed.jsonl');
    const outcomes = await all(
      literals(rows, runtime).pipe(toFiles(root, options, runtime), toFailed(failed, runtime)),
    );
    expect(outcomes.map(said)).toEqual([
      '#1 ok',
      expect.stringMatching(/^#2 failed cannot write .*\/a: it is already the output of /),
      expect.stringMatching(/^#3 failed .*\/folder: it is a folder$/),
      '#4 skipped already-done',
      expect.stringMatching(/^#5 failed .*it leads out of/),
    ]);
    expect(runtime.counts).toEqual({ read: 5, ok: 1, failed: 3, skipped: 1, inDoubt: 0, pending: 0 });
    expect(readFileSync(join(root, 'there'), 'utf8')).toBe('old');
    expect(readFileSync(failed, 'utf8').trim().split('\n')).toHaveLength(3);
  });

  it('gives a path that several want to the first of them, each time', async () => {
    for (let round = 0; round < 20; round++) {
      const root = temporaryFolder();
      const runtime = fakeRuntime();
      const rows = Array.from({ length: 6 }, (_, n) => ({ n }));
      const sink = toFiles<Item<{ n: number }>>(
        root,
        { path: 'new/x', content: ({ n }) => String(n), ...off },
        runtime,
      );
      const outcomes = await all(literals(rows, runtime).pipe(sink));
      expect(outcomes.map(({ status }) => status)).toEqual(['ok', ...Array.from({ length: 5 }, () => 'failed')]);
      expect(readFileSync(join(root, 'new/x'), 'utf8')).toBe('0');
    }
  });

  it('writes 8 at once', async () => {
    // All of them have to run before any of them ends.
    const waiting: (() => void)[] = [];
    let most = 0;
    const content = (): Promise<string> =>
      new Promise((resolve) => {
        most = Math.max(
          most,
          waiting.push(() => resolve('')),
        );
        if (waiting.length === 8) waiting.splice(0).forEach((go) => go());
      });
    await all(literals(upTo(48)).pipe(toFiles(temporaryFolder(), { path: '{{ data }}', content, ...off })));
    expect(most).toBe(8);
  });

  it('ends the run when the disk cannot, with nothing under way', async () => {
    const root = join(temporaryFolder(), 'file');
    writeFileSync(root, '');
    const runtime = fakeRuntime();
    const done = all(literals(upTo(20), runtime).pipe(toFiles(root, { path: '{{ data }}' }, runtime)));
    await expect(done).rejects.toMatchObject({ code: 'output', class: 'fatal' });
    expect(runtime.counts).toMatchObject({ ok: 0, failed: 0, pending: 20 });
  });

  it('counts the files that are in place when the disk cannot go on, those before and those at the same time', async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'b'));
    writeFileSync(join(root, 'there'), '');
    const path = (n: number): string => ['x/1', 'a', '../out', 'there', 'b/2'][n] as string;
    const runtime = fakeRuntime();
    const content = async (n: number): Promise<string> => {
      while (n === 0 && !(existsSync(join(root, 'a')) && existsSync(join(root, 'b/2')))) await turn();
      if (n === 0) throw new BatchxError('output', 'the disk is full');
      return `${n}`;
    };
    const options = { path, content, onExists: 'skip', ...off } as const;
    const seen: string[] = [];
    const sink = toFiles<Item<number>>(root, options, runtime);
    const done = lastValueFrom(
      literals(upTo(5), runtime).pipe(
        sink,
        tap((outcome) => seen.push(said(outcome))),
      ),
    );
    await expect(done).rejects.toMatchObject({ code: 'output', class: 'fatal' });
    expect(readdirSync(root).sort()).toEqual(['a', 'b', 'there', 'x']);
    expect(seen).toEqual(['#2 ok', expect.stringMatching(/^#3 failed/), '#4 skipped already-done', '#5 ok']);
    expect(runtime.counts).toMatchObject({ read: 5, ok: 2, failed: 1, skipped: 1, pending: 1 });
  });

  it('does not take the error of a function for one of the disk', async () => {
    const root = temporaryFolder();
    const content = (): never => {
      throw Object.assign(new Error('disk of theirs'), { code: 'ENOSPC' });
    };
    expect((await all(literals([1]).pipe(toFiles(root, { path: 'a', content })))).map(said)).toEqual([
      '#1 failed disk of theirs',
    ]);
    expect(readdirSync(root)).toEqual([]);
  });

  it('takes outcomes of other sinks, and frees its paths at the end', async () => {
    const root = temporaryFolder();
    const runtime = fakeRuntime();
    for (let times = 0; times < 2; times++) {
      const written = literals([1, 2], runtime).pipe(
        toJsonl('-', runtime),
        toFiles(root, { path: '{{ data }}', onExists: 'overwrite', ...off }, runtime),
      );
      expect((await all(written)).map(said)).toEqual(['#1 ok', '#2 ok']);
    }
    expect(readdirSync(root)).toEqual(['1', '2']);
  });

  it('infers the data, of items and of plain values', async () => {
    const root = temporaryFolder();
    await all(literals([{ sku: 'a' }]).pipe(toFiles(root, { path: ({ sku }) => sku })));
    await all(from([{ sku: 'b' }]).pipe(toFiles(root, { path: ({ sku }) => sku, content: ({ sku }) => sku })));
    expect(readdirSync(root)).toEqual(['a', 'b']);
  });

  it('refuses wrong options when it is made', () => {
    expect(() => toFiles('', { path: 'a' })).toThrow('toFiles: `root`: expected a path, got empty text');
    expect(() => toFiles('out', {} as never)).toThrow('toFiles: expected `name` or `path`');
  });

  it('is found beside a source of its name', () => {
    expect(builtin.get('sink', 'files')).toBe(filesSink);
    expect(filesSink.options.parse({ root: 'out', path: 'a' })).toMatchObject({ content: '{{ data }}' });
  });
});
