import { gzipSync } from 'node:zlib';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type FakeApi, startFakeApi } from '../fixtures/fake-api/fake-api.mjs';
import { env, file, folder, program, Running } from './program.js';

/** Awkward in every notation, and a key of several lines. */
const TOKEN = `sk-C4nary+/=Zz9"q\\w&<k>'s %41~7x`;
const KEY = `-----BEGIN KEY-----\nMIIcanaryLine0ne+/AbCdEf\nMIIcanaryLineTw0+/GhIjKl\n-----END KEY-----\n`;
const secrets = { TOKEN, KEY };

/** What must be found nowhere: parts of the values and of all their notations. */
const notations = (value: string): string[] => {
  const base64 = ['', 'x', 'xx'].map((before) =>
    Buffer.from(before + value)
      .toString('base64')
      .slice(4, -4),
  );
  const json = JSON.stringify(value).slice(1, -1);
  return [
    value,
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    encodeURIComponent(value),
    new URLSearchParams({ v: value }).toString().slice(2),
    Buffer.from(value).toString('hex').replace(/../g, '%$&'),
    json,
    json.replaceAll('/', '\\/'),
  ];
};

const WINDOW = 12;
const needles = [
  ...new Set(
    [TOKEN, 'MIIcanaryLine0ne+/AbCdEf', 'MIIcanaryLineTw0+/GhIjKl']
      .flatMap(notations)
      .flatMap((text) => Array.from({ length: text.length - WINDOW + 1 }, (_, at) => text.slice(at, at + WINDOW)))
      // What only looks like one.
      .filter((text) => !/^[%0-9a-f]*$/.test(text) || text.includes('%')),
  ),
];

/** Where in a text there is a secret, or a part of one. */
const found = (text: string): string[] =>
  needles
    .filter((each) => text.includes(each))
    .map((each) => text.slice(Math.max(0, text.indexOf(each) - 60), text.indexOf(each) + 40));

let api: FakeApi;
const port = { closed: 1 };

/** Answers that echo what they were sent, in many ways. */
const echoes: Record<
  string,
  (secret: string) => { status?: number; headers?: Record<string, string>; body?: unknown }
> = {
  plain: (secret) => ({ status: 500, body: `no such key: ${secret}, sorry` }),
  json: (secret) => ({
    status: 400,
    body: { error: { message: `bad ${secret}`, nested: JSON.stringify({ secret }) } },
  }),
  base64: (secret) => ({ status: 400, body: `no ${Buffer.from(`user:${secret}`).toString('base64')} here` }),
  base64url: (secret) => ({ status: 400, body: `no ${Buffer.from(`u:${secret}`).toString('base64url')} here` }),
  url: (secret) => ({ status: 400, body: `GET /x?key=${encodeURIComponent(secret)}&v=1` }),
  form: (secret) => ({ status: 400, body: new URLSearchParams({ a: '1', key: secret }).toString() }),
  slashes: (secret) => ({ status: 400, body: JSON.stringify({ secret }).replaceAll('/', '\\/') }),
  html: (secret) => ({
    status: 400,
    body: `<p>${secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')}</p>`,
  }),
  zipped: (secret) => ({ status: 500, headers: { 'content-encoding': 'gzip' }, body: gzipSync(`bad ${secret}`) }),
  redirect: (secret) => ({ status: 302, headers: { location: `/in/${encodeURIComponent(secret)}/x` } }),
  busy: (secret) => ({ status: 503, body: `busy with ${secret}` }),
  slow: (secret) => ({ status: 429, headers: { 'retry-after-ms': '5' }, body: `${secret} is too fast` }),
  broken: (secret) => ({ headers: { 'content-type': 'application/json' }, body: `{"token": ${secret}` }),
  well: (secret) => ({ body: { token: secret, list: [secret], [secret]: 1 } }),
  forbidden: (secret) => ({ status: 401, body: `who is ${secret}?` }),
  ...Object.fromEntries(
    Array.from({ length: 6 }, (_, n) => [
      `cut${n}`,
      (secret: string) => ({ status: 400, body: `${'x'.repeat(196 - n * 5)}${secret}` }),
    ]),
  ),
};

beforeAll(async () => {
  api = await startFakeApi();
  const sent = (headers: Record<string, string | string[] | undefined>): string =>
    Buffer.from(String(headers['x-key']), 'base64').toString();
  api.route('GET', /^\/echo\/(\w+)/, ({ arrival }, [, how = '']) => echoes[how]?.(sent(arrival.headers)));
  api.route('GET', /^\/status\//, ({ arrival, response }) => {
    response.statusMessage = `Bad ${String(arrival.headers.authorization)}`;
    return { status: 400, headers: { 'x-you-said': String(arrival.headers.authorization) }, body: '' };
  });
  api.route('GET', /^\/chunks\//, async ({ arrival, response }) => {
    const secret = sent(arrival.headers);
    response.writeHead(500);
    response.write(`bad ${secret.slice(0, 9)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    response.end(secret.slice(9));
    return undefined;
  });
});
afterAll(() => api.close());

// Templates with filters need what is installed beside the program.
const installed = join(folder, '.program/node_modules');
if (!existsSync(installed)) symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), installed);

mkdirSync(join(folder, 'modules'));
file(
  'modules/throws.mjs',
  `export default (data) => {
    console.log('the token is', process.env.TOKEN);
    if (data.n === 1) throw new Error('cannot use ' + process.env.TOKEN);
    if (data.n === 2) throw { token: process.env.TOKEN };
    if (data.n === 3) void Promise.reject(new Error('stray ' + process.env.KEY));
    if (data.n === 4) throw Object.assign(new Error('outer'), { cause: new Error(process.env.TOKEN) });
    return 'fine';
  };`,
);

const sh = (script: string) => ['sh', '-c', script];
const given = { TOKEN: '{{ env.TOKEN }}', KEY: '{{ env.KEY }}' };

/** Each item goes through the step of its kind alone. */
const steps = (): Record<string, object> => {
  const get = (path: string, more: object = {}) => ({
    http: `GET ${api.url}${path}`,
    headers: { 'x-key': '{{ env.TOKEN | base64_encode }}', authorization: 'Bearer {{ env.TOKEN }}' },
    ...more,
  });
  const ofKey = (path: string) => get(path, { headers: { 'x-key': '{{ env.KEY | base64_encode }}' } });
  const usual = Object.keys(echoes).filter((how) => !['well', 'forbidden', 'busy', 'slow'].includes(how));
  return {
    ...Object.fromEntries(usual.map((how) => [`echo-${how}`, get(`/echo/${how}`)])),
    ...Object.fromEntries(usual.map((how) => [`key-${how}`, ofKey(`/echo/${how}`)])),
    'status-line': get('/status/x'),
    chunks: get('/chunks/x'),
    retried: get('/echo/busy', { retry: { retries: 2, initial: '1ms' } }),
    throttled: get('/echo/slow', { retry: { retries: 2, initial: '1ms', maxThrottleWait: '20ms' } }),
    path: get('/none/{{ env.TOKEN }}/x'),
    query: get('/none?key={{ env.TOKEN }}'),
    account: { http: `GET ${api.url.replace('//', '//me:{{ env.TOKEN }}@')}/none` },
    refused: { http: `GET http://127.0.0.1:${port.closed}/{{ env.TOKEN }}/x`, retry: { retries: 1, initial: '1ms' } },
    'no-success': get('/echo/well', { success: 'false' }),
    'told-throttled': get('/echo/well', {
      throttled: 'true',
      retryAfter: '1',
      retry: { retries: 1, maxThrottleWait: '1ms' },
    }),
    'rule-throws': get('/echo/well', { success: '{ throw new Error(response.body.token) }'.replace(/^/, '() => ') }),
    contract: get('/echo/well', { returns: { type: 'object', properties: { token: { type: 'number' } } } }),
    'with-cache': get('/echo/well', { cache: true, as: 'text' }),
    'exec-stderr': { exec: sh('echo "got $TOKEN" >&2; exit 3'), env: given },
    'exec-key': { exec: sh('echo "$KEY" >&2; exit 3'), env: given },
    'exec-base64': { exec: sh('printf "a:%s" "$TOKEN" | base64 -w0 >&2; exit 3'), env: given },
    'exec-parse': { exec: sh('echo "{\\"token\\": $TOKEN"'), stdout: 'json', env: given },
    'exec-cached': { exec: sh('printf %s "$TOKEN"'), env: given, cache: true },
    'exec-argument': { exec: 'echo {{ token }}' },
    'exec-inherits': { exec: sh('env; cat /proc/$$/environ /proc/$PPID/environ | tr "\\0" "\\n"; sleep 0.4') },
    expression: { map: '{ throw new Error("cannot map " + env.TOKEN) }'.replace(/^/, '() => ') },
    'use-throws': { use: 'modules/throws.mjs' },
    'write-path': {
      write:
        '{{ env.TOKEN | append: env.TOKEN | append: env.TOKEN | append: env.TOKEN | append: env.TOKEN | append: env.KEY }}',
    },
  };
};

/** The data of an item that holds a secret of the user's own: where data go they go as they are. */
const kinds = (): object[] =>
  Object.keys(steps()).flatMap((kind) => (kind === 'use-throws' ? [0, 1, 2, 3, 4] : [0]).map((n) => ({ kind, n })));

function pipeline(name: string, more: object = {}, list = steps()): string {
  return file(
    `${name}.yaml`,
    stringify({
      name,
      secrets: ['TOKEN', 'KEY'],
      input: { items: kinds() },
      breaker: false,
      steps: [
        // No part of the input: what is there of it is only there while the item is on its way.
        { map: '({ ...data, token: data.kind == "exec-argument" ? env.TOKEN : "" })' },
        ...Object.entries(list).map(([kind, step]) => ({
          ...step,
          name: kind,
          when: `data.kind == '${kind}'`,
          output: kind.replaceAll('-', '_'),
        })),
        { map: 'undefined' },
      ],
      ...more,
    }),
  );
}

/** All that processes which batchx has started say of themselves, as long as it runs. */
function watch(running: Running): () => { readonly lines: Set<string>; readonly environments: Set<string> } {
  const lines = new Set<string>();
  const environments = new Set<string>();
  const own = running.process.pid as number;
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'latin1');
    } catch {
      return '';
    }
  };
  const look = (): void => {
    const parents = new Map<number, number>();
    for (const pid of readdirSync('/proc').map(Number).filter(Boolean)) {
      const stat = read(`/proc/${pid}/stat`);
      parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    }
    // Those that have left it say by their environment whose they were.
    const isOurs = (pid: number): boolean =>
      pid === own || read(`/proc/${pid}/environ`).includes('BATCHX_RUN=') || (pid > 1 && isOurs(parents.get(pid) ?? 0));
    // Those that were given it say so by what they do, and what they start has it too.
    const isGiven = (pid: number): boolean =>
      pid > 1 && (/\$TOKEN|\$KEY/.test(read(`/proc/${pid}/cmdline`)) || isGiven(parents.get(pid) ?? 0));
    const itself = read(`/proc/${own}/cmdline`);
    for (const pid of parents.keys()) {
      if (!isOurs(pid)) continue;
      const line = read(`/proc/${pid}/cmdline`);
      const environment = read(`/proc/${pid}/environ`);
      lines.add(line);
      // A process is its parent until it has become what it is to be.
      if (line !== itself && line === read(`/proc/${pid}/cmdline`) && !isGiven(pid))
        environments.add(`${line}\n${environment}`);
    }
  };
  const timer = setInterval(look, 20);
  return () => {
    clearInterval(timer);
    return { lines, environments };
  };
}

async function run(args: readonly string[], more: NodeJS.ProcessEnv = {}, watched = false) {
  const running = new Running(process.execPath, [program, ...args], { env: { ...env, ...secrets, ...more } });
  const stop = watched ? watch(running) : () => ({ lines: new Set<string>(), environments: new Set<string>() });
  const done = await running.ended;
  return { ...done, ...stop() };
}

/** All files below a folder, and what is in them. */
function filesIn(path: string): [string, string][] {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('.program') && !entry.name.endsWith('.mjs'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((name) => [
      name,
      `${name}\n${readFileSync(name, 'latin1')}\n${readFileSync(name, 'utf8')}\n${readFileSync(name).toString('latin1').replaceAll('\0', '')}`,
    ]);
}

describe('a secret', () => {
  it('is found nowhere, whatever goes wrong with it', async () => {
    const output = [{ jsonl: 'all.jsonl' }, { failed: 'failed.jsonl' }, { report: 'own.json' }];
    const path = pipeline('leaks', { output, outputRoot: 'out' });
    const args = [
      'run',
      path,
      '--report',
      'report.json',
      '--report-items',
      'items.jsonl',
      '--json',
      '--progress',
      'json',
    ];
    const done = await run(args, { BATCHX_DEBUG: '1' }, true);
    expect(done.ended, done.stderr.slice(-3000)).toBe(1);
    const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as {
      counts: Record<string, number>;
      steps: { name: string; in: number; failed: number; ok: number }[];
    };
    // Each has come to its step, and what had to go wrong there did.
    const well = ['with-cache', 'exec-inherits', 'exec-cached', 'use-throws', 'map', 'map-2'];
    for (const { name, in: all, failed } of report.steps) {
      expect([name, all > 0, well.includes(name) || failed === all], JSON.stringify(report.steps)).toEqual([
        name,
        true,
        true,
      ]);
    }
    expect(found(done.stdout), 'stdout').toEqual([]);
    expect(found(done.stderr), 'stderr').toEqual([]);
    for (const [name, text] of filesIn(folder)) expect(found(text), name).toEqual([]);
    for (const line of done.lines) expect(found(line), 'a command line').toEqual([]);
    for (const each of done.environments) expect(found(each), each.slice(0, 300)).toEqual([]);
    // It was looked for in the right places.
    expect(done.lines.size).toBeGreaterThan(3);
    expect(done.environments.size).toBeGreaterThan(1);
    expect(done.stderr.match(/\*\*\*/g)?.length).toBeGreaterThan(40);
    expect(readFileSync(join(folder, 'out/failed.jsonl'), 'utf8')).toContain('***');
  }, 30_000);

  it('is found nowhere on a screen without --progress json either, nor when the run is halted by what it tells', async () => {
    const { 'use-throws': use, ...quick } = steps();
    const first = await run([
      'run',
      pipeline('plain', { output: [{ failed: 'f.jsonl' }] }, { ...quick, 'use-throws': use as object }),
    ]);
    expect([first.ended, found(first.stderr), found(first.stdout)]).toEqual([1, [], []]);
    expect(first.stderr).toContain('***');
    const only = {
      only: { http: `GET ${api.url}/echo/forbidden`, headers: { 'x-key': '{{ env.TOKEN | base64_encode }}' } },
    };
    const input = { items: [{ kind: 'only' }, { kind: 'only' }] };
    const halted = await run([
      'run',
      pipeline('halts', { input, output: [{ failed: 'h.jsonl' }] }, only),
      '--report',
      'h.json',
      '--json',
    ]);
    expect([halted.ended, found(halted.stderr), found(halted.stdout)]).toEqual([3, [], []]);
    expect(halted.stderr).toContain('who is ***?');
    expect(found(readFileSync(join(folder, 'h.json'), 'utf8'))).toEqual([]);
  }, 30_000);

  it('is found in no warning of what does not fit, in no outcome on standard output, and in no dry run', async () => {
    const list = { contract: steps().contract as object, 'echo-plain': steps()['echo-plain'] as object };
    const input = { items: [{ kind: 'contract' }, { kind: 'echo-plain' }] };
    const warned = await run(['run', pipeline('warns', { input, mode: 'best-effort' }, list)]);
    expect([warned.ended, found(warned.stderr), found(warned.stdout)]).toEqual([1, [], []]);
    expect(warned.stderr).toContain('did not fit what contract returns');
    expect(warned.stdout).toContain('"success":false');
    const dry = await run(['run', pipeline('dry', { output: [{ failed: 'd.jsonl' }] }), '--dry-run']);
    expect([found(dry.stderr), found(dry.stdout)]).toEqual([[], []]);
    const checked = await run(['check', pipeline('checked', { input: { items: [1], filter: '}{ env.TOKEN' } })]);
    expect([checked.ended, found(checked.stderr), found(checked.stdout)]).toEqual([2, [], []]);
  }, 30_000);

  it('goes where it was asked to go: to the server, to the command that is given it, and with data', async () => {
    const list = {
      tells: { exec: sh('printf %s "$TOKEN"'), env: given },
      asks: { http: `GET ${api.url}/echo/well`, headers: { 'x-key': '{{ env.TOKEN | base64_encode }}' } },
    };
    const input = { items: [{ kind: 'tells' }, { kind: 'asks' }] };
    const parts = {
      input,
      steps: [...Object.entries(list).map(([kind, step]) => ({ ...step, when: `data.kind == '${kind}'` }))],
    };
    const { ended, stdout, stderr } = await run(['run', pipeline('goes', parts), '--shape', 'result']);
    expect(ended, stderr).toBe(0);
    expect(stdout.split('\n').sort().slice(1)).toEqual([
      JSON.stringify(TOKEN),
      JSON.stringify({ token: TOKEN, list: [TOKEN], [TOKEN]: 1 }),
    ]);
  });

  it('that is part of the input stays in it, so that it can be run again', async () => {
    const input = { items: [{ kind: 'none', mine: TOKEN }] };
    const failing = { none: { exec: sh('exit 3') } };
    const parts = { input, output: [{ failed: 'again.jsonl' }], steps: [{ exec: sh('exit 3') }] };
    await run(['run', pipeline('again', parts, failing)]);
    const letter = JSON.parse(readFileSync(join(folder, 'again.jsonl'), 'utf8')) as { data: { mine: string } };
    expect(letter.data.mine).toBe(TOKEN);
  });
});
