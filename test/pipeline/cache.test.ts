import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdaptiveConcurrency, createRuntime, type EventMap, exec, execStep, http, runPipeline } from 'batchx';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Cache } from '../../src/core/cache/cache.js';
import { fingerprint } from '../../src/core/cache/plain.js';
import { cachedStep } from '../../src/core/cache/cached-step.js';
import { Item } from '../../src/core/item.js';
import { stage } from '../../src/core/stage.js';
import { applied, type StepFunction } from '../../src/core/step.js';
import { from, lastValueFrom, toArray } from 'rxjs';

function temporary(): string {
  const dir = mkdtempSync(join(tmpdir(), 'batchx-cache-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

type Keys = Record<string, unknown>;

/** Runs steps over items, and gives what came out, and what the cache was asked. */
async function run(dir: string, items: unknown[] | Keys, steps: Keys[], top: Keys = {}, env: Keys = {}) {
  const runtime = createRuntime({ env: { PATH: process.env.PATH, ...env } });
  const hits: boolean[] = [];
  const warnings: string[] = [];
  const metadata: unknown[] = [];
  runtime.events.on('batch:cache', ({ hit }) => hits.push(hit));
  runtime.events.on('batch:warning', ({ message }) => warnings.push(message));
  runtime.events.on('batch:item:end', ({ item }: EventMap['batch:item:end']) => metadata.push(item.metadata.cached));
  const out = join(dir, 'out.jsonl');
  const input = Array.isArray(items) ? { items } : items;
  const { counts } = await runPipeline(
    { name: 'p', input, steps, output: [{ jsonl: out }], concurrency: 4, ...top },
    {},
    runtime,
  );
  const results = readFileSync(out, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
  rmSync(out);
  return { results: results.map(String).sort(), hits, warnings, counts, metadata };
}

/** A command that notes each call, and prints its argument. */
const noting = (log: string): string[] => [
  'sh',
  '-c',
  `echo "$1" >> '${log}'; cat "$1" 2>/dev/null || echo "$1"`,
  'sh',
];

const callsIn = (log: string): string[] =>
  existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean).sort() : [];

describe('cache in a pipeline file', () => {
  it('runs each command once, in this run and in later ones, and says what was found', async () => {
    const dir = temporary();
    const [log, cache] = [join(dir, 'log'), { dir: join(dir, 'cache') }];
    const steps = [{ exec: [...noting(log), '{}'], cache }];
    const first = await run(dir, ['a', 'b', 'a', 'a'], steps);
    expect(first.results).toEqual(['a', 'a', 'a', 'b']);
    expect(callsIn(log)).toEqual(['a', 'b']);
    expect(first.hits.filter(Boolean)).toHaveLength(2);
    expect(first.metadata.filter(Boolean)).toHaveLength(2);
    const again = await run(dir, ['a', 'b', 'c'], steps);
    expect(again.results).toEqual(['a', 'b', 'c']);
    expect(callsIn(log)).toEqual(['a', 'b', 'c']);
    expect(again.hits.filter(Boolean)).toHaveLength(2);
  });

  it('runs a command again when its arguments, its variables or its step have changed', async () => {
    const dir = temporary();
    const [log, cache] = [join(dir, 'log'), { dir: join(dir, 'cache') }];
    const command = [...noting(log), '{}'];
    const forms: Keys[] = [
      { exec: command, cache },
      { exec: [...command, 'more'], cache },
      { exec: command, env: { LANG: 'C' }, cache },
      { exec: command, cwd: dir, cache },
      { exec: command, stdin: 'data', cache },
      { exec: command, okExit: [0, 1], cache },
    ];
    for (const form of [...forms, ...forms]) await run(dir, ['a'], [form]);
    expect(callsIn(log)).toHaveLength(forms.length);
  });

  it('goes by what is in a file, not by its name', async () => {
    const dir = temporary();
    const [log, cache] = [join(dir, 'log'), { dir: join(dir, 'cache') }];
    const path = join(dir, 'a.txt');
    for (const input of [{ files: path }, [path]]) {
      const steps = [{ exec: [...noting(log), '{}'], cache, name: Array.isArray(input) ? 'named' : 'found' }];
      writeFileSync(path, 'one');
      expect((await run(dir, input, steps)).results).toEqual(['one']);
      expect((await run(dir, input, steps)).hits).toEqual([true]);
      writeFileSync(path, 'two');
      const changed = await run(dir, input, steps);
      // By now what was found as a file is known by its name, too.
      expect(changed.results).toEqual(['two']);
    }
    expect(callsIn(log).length).toBeGreaterThanOrEqual(2);
  });

  it('does not keep what a command makes of a file that it changes', async () => {
    const dir = temporary();
    const [path, log] = [join(dir, 'a.txt'), join(dir, 'log')];
    const command = ['sh', '-c', `echo call >> '${log}'; echo y >> "$1"; wc -l < "$1"`, 'sh', '{}'];
    for (let n = 0; n < 3; n++) {
      writeFileSync(path, 'x');
      const { results } = await run(dir, { files: path }, [{ exec: command, cache: { dir: join(dir, 'cache') } }]);
      expect(results.map((text) => text.trim())).toEqual(['1']);
    }
    expect(callsIn(log)).toHaveLength(3);
  });

  it('keeps no failure', async () => {
    const dir = temporary();
    const [log, flag] = [join(dir, 'log'), join(dir, 'flag')];
    const command = ['sh', '-c', `echo call >> '${log}'; [ -e '${flag}' ] || exit 1; echo fine`, 'sh', '{}'];
    const steps = [{ exec: command, cache: { dir: join(dir, 'cache') } }];
    expect((await run(dir, ['a', 'a'], steps)).counts.failed).toBe(2);
    expect(callsIn(log)).toHaveLength(2);
    writeFileSync(flag, '');
    expect((await run(dir, ['a', 'a'], steps)).results).toEqual(['fine', 'fine']);
    expect(callsIn(log)).toHaveLength(3);
  });

  it('goes by its key alone, and tells the steps apart that have one', async () => {
    const dir = temporary();
    const log = join(dir, 'log');
    const cache = { dir: join(dir, 'cache'), key: '{{ sku }}' };
    const step = (word: string): Keys => ({
      exec: ['sh', '-c', `echo ${word} >> '${log}'; echo ${word}-$1`, 'sh', '{{ n }}'],
      cache,
    });
    const items = [
      { sku: 'x', n: 1 },
      { sku: 'x', n: 2 },
    ];
    const two = await run(dir, items, [step('first'), step('second')], { concurrency: 1 });
    expect(two.results).toEqual(['second-1', 'second-1']);
    expect(callsIn(log)).toEqual(['first', 'second']);
  });

  it('makes a call again once its time is over', async () => {
    const dir = temporary();
    const log = join(dir, 'log');
    const steps = (ttl: string): Keys[] => [{ exec: [...noting(log), '{}'], cache: { dir: join(dir, 'cache'), ttl } }];
    await run(dir, ['a'], steps('1h'));
    expect((await run(dir, ['a'], steps('1h'))).hits).toEqual([true]);
    expect((await run(dir, ['a'], steps('1ms'))).hits).toEqual([false]);
  });

  it('makes one request for equal ones, whoever asks; another body or URL is another one', async () => {
    const dir = temporary();
    const asked: string[] = [];
    const server = createServer((request: IncomingMessage, response) => {
      let body = '';
      request.on('data', (part) => (body += String(part)));
      request.on('end', () => {
        asked.push(`${request.method ?? ''} ${request.url ?? ''} ${body}`);
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ n: asked.length }));
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const steps = [
      {
        http: `POST ${url}/{{ path }}`,
        headers: {
          authorization: 'Bearer {{ env.TOKEN }}',
          'x-lang': '{{ lang }}',
          'x-own': '{{ env.TOKEN }}',
          cookie: 'id={{ run.id }}',
        },
        json: { q: '{{ q }}' },
        cache: { dir: join(dir, 'cache') },
      },
      { map: 'result.n' },
    ];
    const items = [
      { path: 'a', q: 1, lang: 'en' },
      { path: 'a', q: 1, lang: 'en' },
      { path: 'a', q: 2, lang: 'en' },
      { path: 'b', q: 1, lang: 'en' },
      { path: 'a', q: 1, lang: 'de' },
    ];
    const top = { secrets: ['TOKEN'] };
    await run(dir, items, steps, top, { TOKEN: 'open-sesame' });
    expect(asked.sort()).toEqual(['POST /a {"q":1}', 'POST /a {"q":1}', 'POST /a {"q":2}', 'POST /b {"q":1}']);
    const again = await run(dir, items, steps, top, { TOKEN: 'another-one' });
    expect(asked).toHaveLength(4);
    expect(again.hits).toEqual([true, true, true, true, true]);
    for (const folder of readdirSync(join(dir, 'cache'), { recursive: true, withFileTypes: true }))
      if (folder.isFile())
        expect(readFileSync(join(folder.parentPath, folder.name), 'latin1') + folder.name).not.toContain('sesame');
  });

  it('keeps what a function of your own gives, until its module changes', async () => {
    const dir = temporary();
    const log = join(dir, 'log');
    const module = join(dir, 'twice.mjs');
    const code = (factor: number): string =>
      `import { appendFileSync } from 'node:fs';
       export default (n) => { appendFileSync(${JSON.stringify(log)}, 'call\\n'); return n * ${factor}; };`;
    writeFileSync(module, code(2));
    const steps = [{ use: module, cache: { dir: join(dir, 'cache') } }];
    expect((await run(dir, [2, 3, 2], steps)).results).toEqual(['4', '4', '6']);
    expect(callsIn(log)).toHaveLength(2);
    writeFileSync(module, `${code(2)}\n// changed`);
    await run(dir, [2], steps);
    // Node keeps modules as they were loaded, but it has been called.
    expect(callsIn(log)).toHaveLength(3);
  });

  it.each([
    [{ exec: 'cp {} {outputPath}', creates: '{.}.txt' }, 'a file that the command `creates` is not kept'],
    [{ exec: 'echo {}', stdout: 'result' }, 'with `stdout: result`'],
    [{ map: 'data' }, '`cache` is for steps that reach outside'],
    [{ split: 'data' }, '`cache` is for what is done to each item'],
  ])('is refused where it could not do what it says: %j', async (step, message) => {
    const refused = runPipeline({ input: { items: ['a'] }, steps: [{ ...step, cache: true }] });
    await expect(refused).rejects.toThrow(message);
    const keyed = runPipeline({ input: { items: ['a'] }, steps: [{ ...step, cache: { key: '{{ data }}' } }] });
    await expect(keyed).rejects.toThrow(message);
  });

  it('refuses a key that names nothing', async () => {
    const steps = [{ exec: 'echo {}', cache: { key: '{{ skuu }}' } }];
    await expect(runPipeline({ input: { items: [{ sku: 1 }] }, steps })).rejects.toThrow('`skuu` is not known here');
  });
});

describe('cachedStep', () => {
  const items = (...data: unknown[]) => from(data.map((each, seq) => Item.of(each, { seq })));

  it('lets a call that needs a slot again have one of those that wait for it', async () => {
    const cache = new Cache({ dir: temporary() }, createRuntime());
    let calls = 0;
    const run: StepFunction = async (_, slot) => {
      calls++;
      slot.park();
      await new Promise((resolve) => setTimeout(resolve, 20));
      await new Promise<void>((go) => slot.unpark(go));
      return 'done';
    };
    const step = cachedStep(run, 'data', { cache, name: 's', keyOf: () => 'x' });
    const done = items(1, 2, 3, 4, 5, 6).pipe(stage([applied(step, 'item')], { concurrency: 2 }), toArray());
    expect((await lastValueFrom(done)).map(({ data }) => data)).toEqual(Array(6).fill('done'));
    expect(calls).toBe(1);
  });

  it('gives back what a step has noted, and marks what was found', async () => {
    const cache = new Cache({ dir: temporary() }, createRuntime());
    const run: StepFunction = (item) => item.withExtra({ metadata: { ...item.extra.metadata, http: { status: 200 } } });
    const step = cachedStep(run, 'item', { cache, name: 's', keyOf: () => 'x' });
    const slot = {
      signal: new AbortController().signal,
      park: () => undefined,
      unpark: (go: () => void) => go(),
      hold: () => undefined,
    };
    const made = (await step(Item.of('a', { metadata: { own: 1 } }), slot)) as Item;
    const found = (await step(Item.of('b', { metadata: { own: 2 } }), slot)) as Item;
    expect(made.metadata).toMatchObject({ own: 1, http: { status: 200 } });
    expect(made.metadata.cached).toBeUndefined();
    // The data stay those of the item, as the step leaves them.
    expect(found.data).toBe('b');
    expect(found.metadata).toMatchObject({ own: 2, http: { status: 200 }, cached: true });
  });

  it('keeps no item that was skipped, or changed in other ways', async () => {
    const cache = new Cache({ dir: temporary() }, createRuntime());
    const slot = {
      signal: new AbortController().signal,
      park: () => undefined,
      unpark: (go: () => void) => go(),
      hold: () => undefined,
    };
    let calls = 0;
    for (const make of [() => undefined, () => undefined]) {
      const step = cachedStep(
        () => {
          calls++;
          make();
        },
        'data',
        { cache, name: 's', keyOf: () => 'skipped' },
      );
      expect(((await step(Item.of('a'), slot)) as Item).skipped).toBe('filtered');
    }
    const outputs: StepFunction = (item) => {
      calls++;
      return item.withExtra({ outputs: { x: 1 } });
    };
    const step = cachedStep(outputs, 'item', { cache, name: 's', keyOf: () => 'outputs' });
    await step(Item.of('a'), slot);
    await step(Item.of('a'), slot);
    expect(calls).toBe(4);
  });

  it('calls without the cache where there are no files left to look at, and fails for a key that cannot be had', async () => {
    const cache = new Cache({ dir: temporary() }, createRuntime());
    const slot = {
      signal: new AbortController().signal,
      park: () => undefined,
      unpark: (go: () => void) => go(),
      hold: () => undefined,
    };
    const noFiles = () => {
      throw Object.assign(new Error('too many'), { code: 'EMFILE' });
    };
    const step = cachedStep(() => 1, 'data', { cache, name: 's', keyOf: noFiles });
    expect(((await step(Item.of('a'), slot)) as Item).data).toBe(1);
    const wrong = cachedStep(() => 1, 'data', { cache, name: 's', keyOf: () => Promise.reject(new Error('no key')) });
    await expect(wrong(Item.of('a'), slot)).rejects.toThrow('no key');
  });
});

describe('in code', () => {
  const items = (...data: unknown[]) => from(data.map((each, seq) => Item.of(each, { seq })));

  it('exec keeps results in a folder, or a Cache that several share', async () => {
    const dir = temporary();
    const log = join(dir, 'log');
    const options = { stdout: 'text' as const, cache: { dir: join(dir, 'cache') } };
    const once = (cache: typeof options.cache | Cache) =>
      lastValueFrom(items('a', 'a').pipe(exec([...noting(log), '{}'], { ...options, cache }), toArray()));
    expect((await once(options.cache)).map(({ data }) => data)).toEqual(['a', 'a']);
    expect((await once(new Cache(options.cache))).map(({ metadata }) => metadata.cached)).toEqual([true, true]);
    expect(callsIn(log)).toEqual(['a']);
    expect(() => exec('cp {} {outputPath}', { creates: '{.}', cache: true })).toThrow('is not kept');
  });

  it('exec has another key for other options', async () => {
    const of = (options: object) => {
      const parsed = execStep.options.parse({ command: 'echo {}', ...options });
      return execStep.cacheKey?.(parsed, createRuntime())(Item.of('a'));
    };
    const forms = [
      {},
      { command: 'echo {} x' },
      { cwd: '/tmp' },
      { env: { LANG: 'C' } },
      { stdout: 'ignore' },
      { stdin: 'data', command: 'echo a' },
      { okExit: [0, 1] },
      { shell: true },
    ];
    const keys = await Promise.all(forms.map(async (form) => fingerprint(await of(form))));
    expect(new Set(keys).size).toBe(forms.length);
    expect(fingerprint(await of({}))).toBe(keys[0]);
  });

  it('exec and http tell an AdaptiveConcurrency of each attempt', async () => {
    const server = createServer((_, response) => {
      response.writeHead(429).end();
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const asking = new AdaptiveConcurrency({ max: 8 });
    const runtime = createRuntime();
    const asked = await lastValueFrom(
      items('a').pipe(
        http(url, { concurrency: asking, retry: { retries: 0, maxThrottleWait: '0ms' } }, runtime),
        toArray(),
      ),
    );
    runtime.events.emit('batch:end', { error: undefined });
    expect(asked[0]?.error?.class).toBe('throttled');
    expect(asking.cap).toBe(2);
    const running = new AdaptiveConcurrency({ max: 8 });
    await lastValueFrom(items(...Array(12).keys()).pipe(exec('true {}', { concurrency: running }), toArray()));
    expect(running.start()).toBe(13);
  });
});
