import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { concat, lastValueFrom, merge, type Observable, retry, take, tap, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  createRuntime,
  Item,
  jsonl,
  literals,
  mapItems,
  type Outcome,
  pull,
  type Runtime,
  toCsv,
  toFailed,
  toJson,
  toJsonl,
  toLines,
} from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { writeToDescriptor } from '../../src/core/bytes-out.js';
import { inputAt, useOutput } from '../../src/core/in-use.js';
import { fixture, temporaryFolder } from '../contract/temp.js';

const outcomesOf = (source: Observable<unknown>, path: string, runtime: Runtime = fakeRuntime()): Promise<Outcome[]> =>
  lastValueFrom(source.pipe(toJsonl(path, runtime), toArray()));
const failure = (done: Promise<unknown>): Promise<unknown> => done.catch((error: unknown) => error);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('rows', () => {
  it('writes a line for each item that is ok, and says what became of all', async () => {
    const path = join(temporaryFolder(), 'out.jsonl');
    const source = literals([1, 2, 3, 4]).pipe(
      mapItems((n: number) => (n === 2 ? undefined : n === 3 ? Promise.reject(new Error('no')) : { n })),
    );
    const outcomes = await outcomesOf(source, path);
    expect(readFileSync(path, 'utf8')).toBe('{"n":1}\n{"n":4}\n');
    expect(outcomes.map(({ id, status }) => `${id} ${status}`).sort()).toEqual([
      '#1 ok',
      '#2 skipped',
      '#3 failed',
      '#4 ok',
    ]);
  });

  it('replaces a file, also when nothing comes', async () => {
    const path = fixture('old\nold\n');
    await outcomesOf(literals([1]), path);
    expect(readFileSync(path, 'utf8')).toBe('1\n');
    await outcomesOf(literals([]), path);
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it('fails only the items whose data JSON cannot say, and writes the others', async () => {
    const runtime = fakeRuntime();
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const deep: unknown[] = [];
    for (let at = deep, level = 0; level < 100_000; level++) at.push((at = []));
    const odd = [
      1n,
      cycle,
      () => 1,
      undefined,
      Symbol('s'),
      deep,
      {
        toJSON: () => {
          throw new Error('no form');
        },
      },
    ];
    const outcomes = await outcomesOf(literals([...odd.flatMap((value, n) => [value, { n }])], runtime), '-', runtime);
    expect(outcomes.map(({ status }) => status)).toEqual(odd.flatMap(() => ['failed', 'ok']));
    expect(outcomes.filter(({ status }) => status === 'failed').map(({ error }) => error?.code)).toEqual(
      odd.map(() => 'encode'),
    );
    expect(outcomes[4]?.error?.message).toBe('expected a value that JSON can say, got a function');
    expect(runtime.stdout).toBe(odd.map((_, n) => `{"n":${n}}\n`).join(''));
    expect(runtime.counts).toMatchObject({ ok: 7, failed: 7, pending: 0 });
  });

  it('writes many large rows in pieces, in their order', async () => {
    const row = (n: number): { n: number; text: string } => ({ n, text: 'ä'.repeat(n % 3 === 0 ? 700_000 : 10) });
    const writes: number[] = [];
    const runtime = fakeRuntime({ stdout: ({ length }) => void writes.push(length) });
    const items = Array.from({ length: 40 }, (_, n) => Item.of(n === 20 ? 1n : row(n), { seq: n }));
    const outcomes = await outcomesOf(
      pull(() => [items]),
      '-',
      runtime,
    );
    expect(runtime.stdout).toBe(
      items
        .filter(({ seq }) => seq !== 20)
        .map(({ data }) => `${JSON.stringify(data)}\n`)
        .join(''),
    );
    expect(outcomes.map(({ status }) => status === 'ok')).toEqual(items.map(({ seq }) => seq !== 20));
    expect(Math.max(...writes)).toBeLessThan(5 * 1024 * 1024);
  });

  it('emits an outcome only once its write was accepted', async () => {
    const accept: (() => void)[] = [];
    const runtime = fakeRuntime({ stdout: () => new Promise<void>((resolve) => accept.push(resolve)) });
    const seen: string[] = [];
    const done = lastValueFrom(
      literals([1, 2], runtime).pipe(
        toJsonl('-', runtime),
        tap(({ id }) => seen.push(id)),
      ),
    );
    await turn();
    expect([runtime.stdout, seen, runtime.counts.pending]).toEqual(['', [], 2]);
    accept.forEach((go) => {
      go();
    });
    await done;
    expect([runtime.stdout, seen, runtime.counts.pending]).toEqual(['1\n2\n', ['#1', '#2'], 0]);
  });

  it('writes what came before an error of the source', async () => {
    const path = join(temporaryFolder(), 'out.jsonl');
    const error = await failure(
      outcomesOf(
        concat(
          literals([1, 2]),
          throwError(() => new Error('gone')),
        ),
        path,
      ),
    );
    expect(error).toMatchObject({ message: 'gone' });
    expect(readFileSync(path, 'utf8')).toBe('1\n2\n');
  });
});

describe('files that cannot be written', () => {
  it('says which, and why', async () => {
    const folder = join(temporaryFolder(), 'folder');
    mkdirSync(folder);
    expect(await failure(outcomesOf(literals([1]), folder))).toMatchObject({
      code: 'output',
      message: expect.stringContaining(`cannot write ${folder}: it is a directory`),
    });
    const path = join(folder, 'no', 'out.jsonl');
    expect(await failure(outcomesOf(literals([1]), path))).toMatchObject({
      code: 'output',
      message: `cannot write ${path}: there is no such folder`,
      where: path,
    });
  });

  it('says that the disk is full', async () => {
    const runtime = fakeRuntime();
    const error = await failure(outcomesOf(literals([1], runtime), '/dev/full', runtime));
    expect(error).toMatchObject({
      code: 'output',
      message: expect.stringMatching(/^cannot write \/dev\/full: ENOSPC/),
    });
    expect(runtime.counts).toMatchObject({ ok: 0, pending: 1 });
    const fd = openSync('/dev/full', 'w');
    const stdout = createRuntime({ stdio: { ...runtime.stdio, output: writeToDescriptor(fd, 'stdout') } });
    expect(await failure(outcomesOf(literals([1]), '-', stdout))).toMatchObject({
      code: 'output',
      message: expect.stringMatching(/^cannot write stdout: ENOSPC/),
    });
    closeSync(fd);
  });

  it('goes on where the system took only a part, and fails when it takes no more', async () => {
    const folder = temporaryFolder();
    // Beside the sources, so that it finds what they import.
    const script = join(import.meta.dirname, '../../coverage/limited-write.mjs');
    await build({
      stdin: {
        contents: `
          import { literals, toJsonl } from './src/index.ts';
          const rows = Array.from({ length: 400 }, (_, n) => ({ n, pad: 'x'.repeat(20) }));
          let ok = 0;
          literals(rows).pipe(toJsonl(process.argv[2])).subscribe({
            next: () => ok++,
            error: ({ code, message }) => console.log(JSON.stringify({ code, message, ok })),
          });`,
        resolveDir: join(import.meta.dirname, '../..'),
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      outfile: script,
      logLevel: 'silent',
    });
    const out = join(folder, 'out.jsonl');
    // A file of at most 8 blocks: the write that crosses the limit is cut short, the next one refused.
    const limited = 'trap "" XFSZ; ulimit -f 8; exec "$0" "$1" "$2"';
    const { stdout, stderr } = spawnSync('bash', ['-c', limited, process.execPath, script, out], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'output',
      message: expect.stringContaining(`cannot write ${out}: EFBIG`),
      ok: 0,
    });
    expect(statSync(out).size).toBe(8 * 1024);
  });

  it('refuses a name that sources would unpack, when built', () => {
    const sinks = { toJsonl, toJson, toLines, toFailed, toCsv: (path: string) => toCsv(path) };
    for (const [name, sink] of Object.entries(sinks))
      expect(() => sink('out.gz')).toThrow(
        `${name}: \`path\`: expected a name that does not end in \`.gz\`, as what is written is not packed; write to \`-\` and pipe it into \`gzip\``,
      );
  });

  it('refuses to write the file that is read, also by another name', async () => {
    const runtime = fakeRuntime();
    const path = fixture('{"n":1}\n');
    expect(await failure(outcomesOf(jsonl(path, {}, runtime), path, runtime))).toMatchObject({
      code: 'usage',
      message: `cannot write ${path}: it is read by this run; write to another file`,
    });
    const other = join(temporaryFolder(), 'link.jsonl');
    symlinkSync(path, other);
    expect(await failure(outcomesOf(jsonl(path, {}, runtime), other, runtime))).toMatchObject({
      code: 'usage',
      message: `cannot write ${other}: it is the same file as ${path}, which is read by this run; write to another file`,
    });
    expect(readFileSync(path, 'utf8')).toBe('{"n":1}\n');
    await expect.poll(() => inputAt(path, runtime)).toBeUndefined();
    await outcomesOf(literals([2], runtime), path, runtime);
    expect(readFileSync(path, 'utf8')).toBe('2\n');
  });
});

describe('a file that another sink of the run writes', () => {
  const written = (path: string): { code: string; message: string } => ({
    code: 'usage',
    message: `cannot write ${path}: it is being written by another sink of this run; write to another file`,
  });

  /** The sink that came first is left while it makes its file. */
  const released = (path: string, runtime: Runtime): Promise<void> =>
    expect.poll(() => useOutput(path, runtime).then(Boolean, () => false)).toBe(true);

  it('is refused in another branch and in the same chain, whatever the sinks are', async () => {
    const sinks = [toJsonl, toJson, toLines, toFailed] as const;
    for (const [i, first] of sinks.entries()) {
      const second = sinks[(i + 1) % sinks.length] as typeof toJsonl;
      const runtime = fakeRuntime();
      const path = join(temporaryFolder(), 'out');
      const branches = merge(
        literals([1], runtime).pipe(first(path, runtime)),
        literals([2], runtime).pipe(second(path, runtime)),
      );
      expect(await failure(lastValueFrom(branches))).toMatchObject(written(path));
      const chain = literals([{ n: 1 }], runtime).pipe(toCsv(path, {}, runtime), first(path, runtime));
      expect(await failure(lastValueFrom(chain))).toMatchObject(written(path));
      await released(path, runtime);
    }
  });

  it('is refused by any name, also before it is there', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'out.jsonl');
    const [soft, around] = [join(folder, 'soft'), join(folder, 'around')];
    symlinkSync('out.jsonl', soft);
    symlinkSync('.', around);
    const both = async (a: string, b: string): Promise<unknown> => {
      const runtime = fakeRuntime();
      const error = await failure(
        lastValueFrom(
          merge(literals([1], runtime).pipe(toJsonl(a, runtime)), literals([2], runtime).pipe(toFailed(b, runtime))),
        ),
      );
      await released(a, runtime);
      return error;
    };
    for (const [a, b] of [
      [path, soft],
      [soft, join(around, 'out.jsonl')],
    ] as const) {
      expect(await both(a, b)).toMatchObject({
        message: `cannot write ${b}: it is the same file as ${a}, which is being written by another sink of this run; write to another file`,
      });
      rmSync(path, { force: true });
    }
    await outcomesOf(literals([1]), path);
    linkSync(path, join(folder, 'hard'));
    expect(await both(path, join(folder, 'hard'))).toMatchObject({ code: 'usage' });
  });

  it('is free again once that is closed, which is waited for', async () => {
    const runtime = fakeRuntime();
    const path = join(temporaryFolder(), 'out.jsonl');
    let tries = 0;
    const failing = concat(
      literals([1, 2], runtime),
      throwError(() => new Error(`try ${++tries}`)),
    ).pipe(toJsonl(path, runtime), retry(2));
    expect(await failure(lastValueFrom(failing))).toMatchObject({ message: 'try 3' });
    await lastValueFrom(literals([1, 2], runtime).pipe(toJsonl(path, runtime), take(1)));
    await outcomesOf(literals([3], runtime), path, runtime);
    expect(readFileSync(path, 'utf8')).toBe('3\n');
    for (const sink of [toJson, toFailed]) {
      rmSync(path, { force: true });
      await lastValueFrom(
        concat(
          literals([1, 1n], runtime).pipe(sink(path, runtime), take(1)),
          literals([1n, 2], runtime).pipe(sink(path, runtime)),
        ),
      );
    }
    const nowhere = join(path, 'no-folder');
    for (let i = 0; i < 2; i++)
      expect(await failure(outcomesOf(literals([3], runtime), nowhere, runtime))).toMatchObject({ code: 'output' });
  });

  it('may be a device, or standard output, where the blocks of each stay whole', async () => {
    const runtime = fakeRuntime();
    const twice = (path: string): Promise<unknown> =>
      lastValueFrom(
        merge(literals([1], runtime).pipe(toJsonl(path, runtime)), literals([2], runtime).pipe(toJsonl(path, runtime))),
      );
    await twice('/dev/null');
    await twice('-');
    expect(runtime.stdout.split('\n').sort()).toEqual(['', '1', '2']);
  });
});

describe('pipes', () => {
  function pipe(): { path: string; reader: number } {
    const path = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [path]);
    return { path, reader: openSync(path, constants.O_RDWR | constants.O_NONBLOCK) };
  }
  /** What the pipe holds now, at most 4 KB of it. */
  function readSome(reader: number): string {
    const buffer = Buffer.alloc(4096);
    try {
      return buffer.toString('utf8', 0, readSync(reader, buffer));
    } catch {
      return '';
    }
  }
  const toPipe = (path: string): Runtime => {
    const runtime = fakeRuntime();
    return { ...runtime, stdio: { ...runtime.stdio, output: writeToDescriptor(openSync(path, 'w'), 'stdout') } };
  };

  it.each(['a file', 'standard output'])(
    'waits for a slow reader of %s, reading no further meanwhile, and loses nothing',
    async (kind) => {
      const { path, reader } = pipe();
      const rows = 20_000;
      let emitted = 0;
      let settled = 0;
      const source = pull(function* () {
        for (let n = 0; n < rows; n++) yield [Item.of({ n, pad: 'x'.repeat(20) }, { seq: n })];
      }).pipe(tap(() => emitted++));
      const sink = kind === 'a file' ? toJsonl<Item>(path, fakeRuntime()) : toJsonl<Item>('-', toPipe(path));
      const done = lastValueFrom(
        source.pipe(
          sink,
          tap(() => settled++),
        ),
      );
      for (let i = 0; i < 50; i++) await turn();
      expect(emitted).toBeLessThan(6000);
      expect(emitted - settled).toBeLessThanOrEqual(1024);
      let text = '';
      const total = Array.from({ length: rows }, (_, n) => `{"n":${n},"pad":"${'x'.repeat(20)}"}\n`).join('');
      while (text.length < total.length) {
        text += readSome(reader);
        await turn();
      }
      await done;
      closeSync(reader);
      expect(text === total).toBe(true);
      expect([emitted, settled]).toEqual([rows, rows]);
    },
  );

  it.each(['a file', 'standard output'])('says that the reader of %s has gone', async (kind) => {
    const { path, reader } = pipe();
    const runtime = kind === 'a file' ? fakeRuntime() : toPipe(path);
    const sink = toJsonl<number>(kind === 'a file' ? path : '-', runtime);
    let settled = 0;
    const source = pull(async function* () {
      yield [1];
      while (settled === 0) await turn();
      closeSync(reader);
      yield [2];
    });
    const error = await failure(
      lastValueFrom(
        source.pipe(
          sink,
          tap(() => settled++),
        ),
      ),
    );
    expect(error).toMatchObject({ code: 'closed', message: expect.stringMatching(/^cannot write .*EPIPE/) });
    expect(settled).toBe(1);
  });

  it('leaves nothing in its room', async () => {
    const runtime = fakeRuntime({ stdout: turn });
    let done = 0;
    await lastValueFrom(
      literals(
        Array.from({ length: 3000 }, (_, n) => n),
        runtime,
      ).pipe(
        toJsonl('-', runtime),
        tap(() => done++),
      ),
    );
    expect(done).toBe(3000);
    expect(runtime.counts).toMatchObject({ read: 3000, ok: 3000, pending: 0 });
    expect(runtime.stdout).toBe(Array.from({ length: 3000 }, (_, n) => `${n}\n`).join(''));
  });
});
