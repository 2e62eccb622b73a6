import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type FakeApi, startFakeApi } from '../fixtures/fake-api/fake-api.mjs';
import { forms } from './canary-forms.js';
import { env, file, folder, program, Running } from './program.js';

/** In one line, longer than a line of Base64; and of several, some of which are too short to be secrets of their own. */
const values = {
  TOKEN: `sk-C4nary+/=Zz9"q\\w&<k>'s %41~7x.QmZ8vLr2Tn5Kd0Yb7Wc3Hs6Jp9Xf4Ga1Ue-Rt_Io`,
  KEY: `Zx9short1q\nMIIcanaryLine0ne+/AbCdEfGh\nqW7tail-xK\nPmB4next0\nlastL1ne`,
};
type Name = keyof typeof values;
const names = Object.keys(values) as Name[];

const WINDOW = 8;
const windows = (text: string): string[] =>
  text.length < WINDOW ? [] : Array.from({ length: text.length - WINDOW + 1 }, (_, at) => text.slice(at, at + WINDOW));

const told = (form: number, secret: string): string => Object.values(forms)[form]?.(secret) ?? '';

/** Parts of the values in all forms; those of Base64 in the ways that it may be shifted. */
const needles = new Set(
  Object.values(values).flatMap((value) =>
    Object.values(forms)
      .flatMap((form) => form(value).split(/\r?\n\s*/))
      .flatMap(windows),
  ),
);
// What stands around the value in some forms is none of it.
for (const form of Object.values(forms)) for (const part of windows(form('\u0001'))) needles.delete(part);
const around = new Set(['', ...['user:', 'u:', 'us:', ':end'].map((text) => Buffer.from(text).toString('base64'))]);

const found = (text: string): string[] => {
  const all = new Set(text.split(/\r?\n/).flatMap(windows));
  return [...all].filter((part) => needles.has(part) && !around.has(part));
};

// Templates with filters need what is installed beside the program.
const installed = join(folder, '.program/node_modules');
if (!existsSync(installed)) symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), installed);

let api: FakeApi;
beforeAll(async () => {
  api = await startFakeApi();
  api.route('GET', /^\/(\w+)\/(\d+)/, ({ arrival }, [, place = '', form = '']) => {
    const secret = Buffer.from(String(arrival.headers['x-key']), 'base64').toString();
    const text = told(Number(form), secret);
    return { status: 400, body: place === 'cut' ? `${'x'.repeat(150)} ${text}` : `no ${text}` };
  });
  mkdirSync(join(folder, 'told'));
  for (const name of names)
    for (const form of Object.keys(forms).keys()) file(`told/${name}-${form}`, `${told(form, values[name])}\n`);
  file(
    'throws.mjs',
    `import { readFileSync } from 'node:fs';
    export default ({ form, name }) => { throw new Error('cannot use ' + readFileSync('told/' + name + '-' + form)); };`,
  );
});
afterAll(() => api.close());

/** Where a form of a secret turns up, and what fails by it. */
const places = (): Record<string, (name: Name) => object> => {
  const tell =
    (script: string, stdout = 'text') =>
    (name: Name) => ({
      exec: ['sh', '-c', script, 'sh', `told/${name}-{{ form }}`],
      stdout,
    });
  const ask = (path: string) => (name: Name) => ({
    http: `GET ${api.url}/${path}/{{ form }}`,
    headers: { 'x-key': `{{ env.${name} | base64_encode }}` },
  });
  return {
    'standard error': tell('cat "$1" >&2; exit 3'),
    // What is looked at of it begins in the midst of the first of them.
    'the end of much standard error': tell(
      'cat "$1" >&2; head -c 65500 /dev/zero | tr "\\0" x >&2; cat "$1" >&2; exit 3',
    ),
    'what a command says before it is ended': tell('cat "$1" >&2; kill -9 $$'),
    'standard output that is no JSON': tell('printf "{" | cat - "$1"', 'json'),
    'lines that are no JSON': tell('printf "1\\n{" | cat - "$1"', 'jsonl'),
    'a body': ask('echo'),
    'a body that is cut': ask('cut'),
    'what is thrown': () => ({ use: 'throws.mjs' }),
    URL: (name) => ({ http: `GET ${api.url}/none/plain/{{ env.${name} | url_encode }}?q={{ env.${name} }}` }),
  };
};

function pipeline(name: Name): string {
  const items = Object.keys(places()).flatMap((place) =>
    [...Object.keys(forms).keys()].map((form) => ({ place, form, name })),
  );
  return file(
    `${name}.yaml`,
    stringify({
      name,
      secrets: [name],
      input: { items },
      outputRoot: 'out',
      breaker: false,
      steps: [
        ...Object.entries(places()).map(([place, step], at) => ({
          ...step(name),
          name: `step-${at}`,
          output: `o${at}`,
          when: `data.place == '${place}'`,
        })),
      ],
      output: [{ failed: `${name}.failed.jsonl` }, { outcomes: `${name}.outcomes.jsonl` }, { joblog: `${name}.log` }],
    }),
  );
}

/** The command lines of all processes that there were while it ran. */
function watchLines(): () => string {
  const lines = new Set<string>();
  const timer = setInterval(() => {
    for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        lines.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', '\n'));
      } catch {
        // It has ended.
      }
    }
  }, 20);
  return () => {
    clearInterval(timer);
    return [...lines].join('\n');
  };
}

it.each(names)('%s is found in no form, wherever it turns up', { timeout: 60_000 }, async (name) => {
  const path = pipeline(name);
  const args = ['run', path, '--report', `${name}.json`, '--report-items', `${name}.items.jsonl`, '--progress', 'json'];
  const running = new Running(process.execPath, [program, ...args], {
    env: { ...env, [name]: values[name], BATCHX_DEBUG: '1' },
  });
  const stop = watchLines();
  const { ended, stdout, stderr } = await running.ended;
  const lines = stop();
  expect(ended, stderr.slice(-2000)).toBe(1);
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  const { counts } = JSON.parse(read(`${name}.json`)) as { counts: { failed: number } };
  expect(counts.failed).toBe(Object.keys(places()).length * Object.keys(forms).length);
  const told: Record<string, string> = {
    stdout,
    stderr,
    report: read(`${name}.json`),
    'rows of the report': read(`${name}.items.jsonl`),
    'dead letters': read(`out/${name}.failed.jsonl`),
    outcomes: read(`out/${name}.outcomes.jsonl`),
    'job log': read(`out/${name}.log`),
    'command lines': lines,
  };
  const leaks = Object.entries(told).map(([where, text]) => [where, found(text)]);
  expect(leaks).toEqual(Object.keys(told).map((where) => [where, []]));
  // It was looked for where it would be.
  expect(stderr.split('***').length).toBeGreaterThan(80);
  expect(lines).toContain('sh\n-c\n');
});
