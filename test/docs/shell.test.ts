import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, pages, root } from './examples.js';

const temporary = mkdtempSync(join(tmpdir(), 'batchx-shell-'));
const folder = join(temporary, 'work');
const bin = join(temporary, 'bin');
let server: Server;

/** The files that the commands of the pages speak of. */
beforeAll(async () => {
  for (const path of [bin, folder, join(folder, 'orders'), join(folder, 'examples')]) mkdirSync(path);
  symlinkSync(join(root, 'dist/bin/batchx.js'), join(bin, 'batchx'));
  for (const path of ['examples/data', 'examples/quickstart', 'docs'])
    symlinkSync(join(root, path), join(folder, path));
  server = createServer((_, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  const customer = { name: 'Ada', city: 'Ulm' };
  const orders = [120, 80, 240].map((total, i) => ({
    id: `a-${i + 1}`,
    country: i === 1 ? 'FR' : 'DE',
    total,
    customer,
  }));
  const lines = orders.map((order) => JSON.stringify(order) + '\n').join('');
  writeFileSync(join(folder, 'orders.jsonl'), lines);
  writeFileSync(join(folder, 'orders/may.jsonl.gz'), gzipSync(lines));
  writeFileSync(join(folder, 'urls.jsonl'), `{"url":"${url}1"}\n{"url":"${url}2"}\n`);
  const table = orders.map(({ id, country, total }) => `${id},${country},${total}\n`);
  writeFileSync(join(folder, 'orders.csv'), `id,country,total\n${table.join('')}`);
  writeFileSync(
    join(folder, 'shop.yaml'),
    [
      'name: shop',
      'config: { api: https://shop.example }',
      'input:',
      '  jsonll: products.jsonl',
      'rates:',
      '  shop: 2/s',
      'steps:',
      '  - exec: echo {}',
      '    timout: 10s',
      '  - http: GET {{ config.ap }}/{{ sku }}',
      '',
    ].join('\n'),
  );
  writeFileSync(
    join(folder, 'stock.yaml'),
    [
      'name: stock',
      'input: { jsonl: orders.jsonl, id: data.id }',
      'steps:',
      '  - exec: grep -x {{ id }} stock.txt',
      'output:',
      '  - jsonl: found.jsonl',
      '',
    ].join('\n'),
  );
  writeFileSync(join(folder, 'urls.txt'), `${url}1\n${url}2\n`);
  mkdirSync(join(folder, 'recordings/may'), { recursive: true });
  mkdirSync(join(folder, 'photos'));
  for (const name of ['recordings/may/a b.wav', 'photos/a b.avif', 'x.jpg', 'a.log', 'b.log'])
    writeFileSync(join(folder, name), `${name}\n`);
  for (const [name, script] of Object.entries(standIns)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
});

/** What stands for programs that not every machine has: each takes the same arguments, and makes the same files. */
const standIns = {
  flac: 'cp "$2" "${2%.wav}.flac"',
  ffmpeg: 'cp "$2" "$3"',
  convert: 'cp "$1" "$4" && echo "$1 $3"',
  curl: `exec ${process.execPath} -e 'fetch(process.argv.at(-1)).then((answer) => answer.text()).then(console.log)' -- "$@"`,
};

/** Commands that only make files say nothing. */
const isSilent = (line: string): boolean => / > |flac|ffmpeg|gzip|run\.mjs/.test(line);

afterAll(() => {
  server.close();
  rmSync(temporary, { recursive: true, force: true });
});

const env = () => ({ ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}`, LC_ALL: 'C' });

describe('what the pages show of a terminal is what it shows', () => {
  const sessions = pages().flatMap((page) => blocksOf(page, 'console'));
  it.each(sessions)('$where', ({ text }) => {
    const steps = text
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...shown] = step.trimEnd().split('\n');
        return { command, out: shown.filter((line) => !isSaid(line)), said: shown.filter(isSaid) };
      });
    // One shell, for `$?`; what a command prints and what it says are held apart, since their order is nobody's promise.
    const script = steps.map(({ command }, i) => `{ ${command}\n} > ${i}.out 2> ${i}.said\n`).join('');
    spawnSync('bash', ['-c', script], { cwd: folder, env: env() });
    const seen = steps.map(({ command }, i) => ({ command, out: linesOf(`${i}.out`), said: linesOf(`${i}.said`) }));
    expect(seen).toEqual(steps);
  });
});

/** What goes to standard error begins so. */
const isSaid = (line: string): boolean => line.startsWith('batchx: ');

const linesOf = (file: string): string[] => readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1);

describe('the commands of the pages work', () => {
  const commands = pages()
    .flatMap((page) => blocksOf(page, 'sh'))
    .flatMap(({ where, text }) => text.split('\n').map((line) => ({ where, line })))
    .map(({ where, line }) => ({ where, line: line.replace(/^npm ci && /, '').replace(/\bnpx batchx\b/g, 'batchx') }))
    .filter(({ line }) => line !== '' && !/^(#|npm )/.test(line));

  it('finds some', () => expect(commands.length).toBeGreaterThan(3));

  it.each(commands)('$where: $line', async ({ line }) => {
    // Not waited for in one go: the commands may call the server of this very process.
    const { status, out, said } = await run(line);
    expect({ status, said }).toEqual({
      status: 0,
      said: expect.not.stringMatching(/failed|expected|cannot/) as string,
    });
    expect(isSilent(line) || out.length > 0).toBe(true);
  });
});

function run(line: string): Promise<{ status: number | null; out: string; said: string }> {
  return new Promise((resolve) => {
    const shell = spawn('bash', ['-o', 'pipefail', '-c', line], {
      cwd: folder,
      env: env(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let said = '';
    shell.stdout.on('data', (text: Buffer) => (out += text.toString()));
    shell.stderr.on('data', (text: Buffer) => (said += text.toString()));
    shell.on('close', (status) => resolve({ status, out, said }));
  });
}
