import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type FakeApi, startFakeApi } from '../fixtures/fake-api/fake-api.mjs';
import { env, file, folder, jsonl, program, Running } from './program.js';

// Templates with filters need what is installed beside the program.
const installed = join(folder, '.program/node_modules');
if (!existsSync(installed)) symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), installed);

/** Whoever runs anything of a value makes this file. */
const CANARY = join(folder, 'canary');
const touch = `touch ${CANARY}`;
const SECRET = 'hostile-ids-must-not-see-me';

/** What a value may begin, or be in the midst of: each is put into several places. */
const bait = [
  '../up',
  '../../../../tmp/up',
  '/etc/passwd',
  '..',
  '.',
  './../x',
  'a/../../b',
  '..\\..\\win',
  '%2e%2e%2f',
  '..%2fup',
  '\u2024\u2024/x',
  '\uff0e\uff0e\uff0fx',
  'a\0b',
  'a\nb',
  'a\r\nx-evil: 1',
  '\u001b[2J\u001b]0;owned\u0007',
  '\u009b31m',
  '\u202egnp.exe',
  '\u2066hidden\u2069',
  '-rf',
  '--help',
  '-',
  '--',
  '@file',
  '~',
  '~root',
  `$(${touch})`,
  `\`${touch}\``,
  `; ${touch};`,
  `| ${touch}`,
  `&& ${touch}`,
  `\n${touch}\n`,
  `'; ${touch}; '`,
  `"; ${touch}; "`,
  `' || ${touch} || '`,
  `$((1+$(${touch})))`,
  `<(${touch})`,
  `> ${CANARY}`,
  '${HOME}',
  '$HOME',
  '$SECRET',
  '*',
  '?',
  '[a-z]*',
  '{a,b}',
  '!!',
  '#',
  '{}',
  '{.}',
  '{/}',
  '{1}',
  '{%}',
  '{#}',
  '{outputPath}',
  '{{ env.SECRET }}',
  '{{ config.secret }}',
  '{{ data }}',
  '{% if true %}{{ env.SECRET }}{% endif %}',
  "{% render 'x' %}",
  "{% include '/etc/passwd' %}",
  '{{',
  '}}',
  '{%',
  '$&',
  '$1',
  "$'",
  'constructor',
  '__proto__',
  'process.exit(9)',
  '${process.exit(9)}',
  "require('child_process').execSync('true')",
  '<script>alert(1)</script>',
  "' OR 1=1 --",
  '"',
  "'",
  '\\',
  'a\\',
  'CON',
  'NUL',
  'aux.txt',
  'com1',
  'a.',
  'a ',
  ' a',
  '',
  ' ',
  'e\u0301',
  '\u00e9',
  '\ud800',
  '\ufeffbom',
  '\u0000',
  'x'.repeat(255),
  'x'.repeat(256),
  'y'.repeat(10_240),
  '../'.repeat(3000),
  '\u{1f4a9}'.repeat(100),
  '=cmd|calc',
  'http://127.0.0.1:1/',
  'x@evil.example/',
  'a?b=c#d',
  'a%00b',
  '%0d%0aset-cookie:x',
];

/** Two hundred and more ids, each only once. */
const ids = [
  ...new Set([...bait, ...bait.map((each) => `id ${each}`), ...bait.slice(0, 60).map((each) => `${each}.txt`)]),
];

let api: FakeApi;
beforeAll(async () => {
  api = await startFakeApi();
  api.route('PUT', /./, () => ({ status: 200, body: { fine: true } }));
});
afterAll(() => api.close());

/** All names below a folder, with what they are; those of the program and of the tests are left out. */
const tree = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => !/\.(program|path)(\/|$)/.test(join(entry.parentPath, entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

const outside = (): string[] =>
  tree(folder).filter((name) => ['out', '.batchx'].every((own) => !name.startsWith(join(folder, own))));

/** What would do something to a terminal, or look like something else on it. */
// eslint-disable-next-line no-control-regex -- that is what is looked for
const control = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

describe('an id that somebody else has chosen', () => {
  mkdirSync(join(folder, 'out'));

  const steps: Record<string, object> = {
    write: { write: 'written/{{ id }}.txt', content: '{{ id }}' },
    'write-bare': { write: '{{ id }}', content: 'bare', root: 'out/bare' },
    exec: { exec: ['printf', '%s', '{{ id }}'] },
    'exec-words': { exec: 'printf %s {{ id }}' },
    'exec-joined': { exec: 'printf %s a{{ id }}b' },
    'exec-shell': { exec: 'printf %s {{ id }} | cat', shell: true },
    'exec-quoted': { exec: `printf %s "x {{ id }}" '{{ id }}'`, shell: true },
    'exec-stdin': { exec: 'cat', stdin: 'data' },
    creates: { exec: 'cp ids.jsonl {outputPath}', creates: 'out/made/{{ id }}.txt' },
    'creates-shell': { exec: 'printf made > {outputPath}', shell: true, creates: 'out/shell/{{ id }}' },
    'http-path': { http: '{{ config.api }}/items/{{ id }}/price', as: 'none' },
    'http-query': { http: 'PUT {{ config.api }}/items?id={{ id }}', as: 'none' },
    'http-header': { http: 'PUT {{ config.api }}/items', headers: { 'x-id': '{{ id }}' }, as: 'none' },
    'http-json': { http: 'PUT {{ config.api }}/items', json: { id: '{{ id }}', text: 'of {{ id }}' }, as: 'none' },
    'http-form': { http: 'PUT {{ config.api }}/items', form: { id: '{{ id }}' }, as: 'none' },
    'map-fails': { map: '{ throw new Error("bad " + data.id) }'.replace(/^/, '() => ') },
    validate: { validate: { type: 'object', properties: { id: { const: 'none' } } } },
  };
  steps['http-path'] = { ...steps['http-path'], http: 'PUT {{ config.api }}/items/{{ id }}/price' };

  it(`is printed or refused, and never run nor followed, in ${ids.length} forms and ${Object.keys(steps).length} places`, async () => {
    expect(ids.length).toBeGreaterThan(200);
    file('ids.jsonl', jsonl(...ids.map((id) => ({ id, kind: 'x' }))));
    file('untouched.txt', 'as it was');
    for (const name of ['written', 'bare', 'made', 'shell']) mkdirSync(join(folder, 'out', name), { recursive: true });
    const outputs = ['all.jsonl', 'failed.jsonl', 'report.json', 'items.jsonl'];
    const before = outside();
    for (const [kind, step] of Object.entries(steps)) {
      const path = file(
        `out/${kind}.yaml`,
        stringify({
          name: kind,
          config: { api: api.url, secret: SECRET },
          requires: { env: ['SECRET'] },
          input: { jsonl: 'ids.jsonl', id: '{{ id }}' },
          breaker: false,
          outputRoot: kind === 'write' ? 'out' : undefined,
          steps: [{ ...step, concurrency: 8 }],
          output: outputs
            .slice(0, 2)
            .map((name) => ({ [name.startsWith('all') ? 'jsonl' : 'failed']: join(folder, 'out', `${kind}-${name}`) })),
        }),
      );
      const args = ['run', path, '--report', `out/${kind}-report.json`, '--report-items', `out/${kind}-items.jsonl`];
      const done = await new Running(process.execPath, [program, ...args], {
        env: { ...env, SECRET },
        stdio: ['ignore', 'pipe', 'pipe'],
      }).ended;
      // Each is settled, and the run goes on to its end.
      expect([0, 1], `${kind}: ${done.stderr.slice(-2000)}`).toContain(done.ended);
      const { counts } = JSON.parse(readFileSync(join(folder, `out/${kind}-report.json`), 'utf8')) as {
        counts: Record<string, number>;
      };
      expect([kind, counts.read, counts.pending]).toEqual([kind, ids.length, 0]);
      // What is said of them is escaped, one line each.
      expect(
        control.exec(done.stderr.replaceAll('\n', ''))?.[0],
        `${kind}: ${JSON.stringify(done.stderr)}`,
      ).toBeUndefined();
      for (const line of done.stderr.trimEnd().split('\n')) expect(line).toMatch(/^(batchx: | {2})/);
      // Nothing was run, nothing was put in place of what only looks like a template.
      expect(existsSync(CANARY), kind).toBe(false);
      for (const name of readdirSync(join(folder, 'out')).filter((each) => each.startsWith(`${kind}-`)))
        expect(readFileSync(join(folder, 'out', name), 'latin1').includes(SECRET), name).toBe(false);
      // Rows, reports and letters are what they should be, whatever is in them.
      for (const name of ['all.jsonl', 'failed.jsonl', 'items.jsonl']) {
        const at = join(folder, 'out', `${kind}-${name}`);
        if (existsSync(at))
          for (const row of readFileSync(at, 'utf8').trim().split('\n').filter(Boolean)) JSON.parse(row);
      }
    }
    expect(outside()).toEqual(before);
    expect(readFileSync(join(folder, 'untouched.txt'), 'utf8')).toBe('as it was');
    expect(existsSync('/tmp/up') || existsSync(join(folder, '..', 'up'))).toBe(false);
    // What was written lies in its folder itself, as plain files.
    for (const [name, least] of [
      ['written', 150],
      ['bare', 150],
      ['made', 150],
      ['shell', 150],
    ] as const) {
      const made = readdirSync(join(folder, 'out', name), { withFileTypes: true });
      expect([name, made.length > least, made.every((entry) => entry.isFile())], String(made.length)).toEqual([
        name,
        true,
        true,
      ]);
      expect(
        made.some((entry) => control.test(entry.name)),
        name,
      ).toBe(false);
    }
    expect(lstatSync(join(folder, 'out')).isDirectory()).toBe(true);
    // Requests went nowhere else, and no header was begun by a value.
    for (const { path, headers, target } of api.arrivals) {
      expect(path).toMatch(/^\/items/);
      expect(headers).not.toHaveProperty('x-evil');
      expect(headers).not.toHaveProperty('set-cookie');
      expect(target.includes(SECRET)).toBe(false);
    }
    expect(
      api.arrivals.filter(({ path }) => path !== '/items').every(({ path }) => /^\/items\/[^/]*\/price$/.test(path)),
    ).toBe(true);
    expect(api.arrivals.length).toBeGreaterThan(4 * 150);
  }, 120_000);

  it('reaches a command as it is, byte for byte', async () => {
    // A NUL cannot be in an argument, and half of a character is none.
    const all = ids.filter((id) => !id.includes('\0') && !/[\ud800-\udbff](?![\udc00-\udfff])/.test(id));
    const steps = [
      { exec: ['printf', '%s', '{{ id }}'], output: 'plain' },
      { exec: 'printf %s {{ id }} | cat', shell: true, output: 'shell' },
      { map: '({ id: data.id, same: [plain, shell].every((each) => each === data.id.replace(/(\\r?\\n)+$/, "")) })' },
    ];
    file('whole.jsonl', jsonl(...all.map((id) => ({ id }))));
    const path = file(
      'whole.yaml',
      stringify({
        input: { jsonl: 'whole.jsonl' },
        steps: steps.map((step, n) => (n === 0 ? { ...step, concurrency: 8 } : step)),
      }),
    );
    const { stdout, stderr } = await new Running(process.execPath, [program, 'run', path, '--shape', 'result']).ended;
    const rows = stdout
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row) as { id: string; same: boolean });
    expect(rows.length, stderr.slice(-1000)).toBe(all.length);
    expect(rows.filter(({ same }) => !same)).toEqual([]);
    expect(existsSync(CANARY)).toBe(false);
  }, 60_000);
});
