import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { blocksOf, bodyOf, compile, type Example, examplesInSources, expected, pages, root } from './examples.js';

const inSources = examplesInSources();
const inPages = pages().flatMap((page) => blocksOf(page, 'ts'));
// What `npm run docs` has copied from a source is looked at there.
const examples = [
  ...inSources,
  ...inPages.filter(({ text }) => !inSources.some((each) => each.text.trim() === text.trim())),
];
const printing = examples.filter((example) => expected(example) !== undefined);

const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'batchx-docs-'));

beforeAll(() => {
  process.chdir(folder);
  const orders = [
    { id: 'a-1', country: 'DE', total: 120 },
    { id: 'a-2', country: 'FR', total: 80 },
    { id: 'a-3', country: 'DE', total: 240 },
    { id: 'a-4', country: 'IT', total: 100 },
  ];
  writeFileSync('orders.jsonl', orders.map((order) => JSON.stringify(order) + '\n').join(''));
  writeFileSync('orders.json', JSON.stringify(orders));
  writeFileSync(
    'orders.csv',
    ['id,country,total', ...orders.map(({ id, country, total }) => `${id},${country},${total}`), ''].join('\n'),
  );
  writeFileSync('words.txt', 'one\ntwo\n');
});

afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

it('finds the examples', () => {
  expect(inSources.length).toBeGreaterThan(20);
  expect(inPages.length).toBeGreaterThan(20);
  expect(printing.length).toBeGreaterThan(20);
});

it('compiles every example, and would notice one that does not', { timeout: 60_000 }, () => {
  const wrong: Example = {
    where: 'here:1',
    folder: 'docs',
    text: `import { jsonl } from 'batchx';\njsonl(1).pipe(nothing());\n`,
  };
  // All at once: to read the types of all that is imported takes the longest.
  expect(compile([...examples, wrong])).toEqual([
    expect.stringContaining('here:1: '),
    `here:1: Cannot find name 'nothing'.`,
  ]);
});

describe('prints what its comments say', () => {
  it.each(printing)('$where', async (example) => {
    const printed: string[] = [];
    await run(example, printed);
    await vi.waitFor(() => expect(printed.join(', ')).toBe(expected(example)), { timeout: 2000, interval: 5 });
  });
});

/** Runs an example here, with a console of its own. */
async function run(example: Example, printed: string[]): Promise<void> {
  const load = (from: string): Promise<unknown> =>
    from === 'batchx'
      ? import('batchx')
      : from === 'batchx/testing'
        ? import('batchx/testing')
        : import(
            /* @vite-ignore */ from.startsWith('.') ? join(root, example.folder, from.replace(/\.js$/, '.ts')) : from
          );
  const console = {
    log: (...said: unknown[]) => printed.push(format(...said).replaceAll(/\s+/g, ' ')),
    show: inspect,
  };
  const AsyncFunction = run.constructor as new (...parts: string[]) => (...given: unknown[]) => Promise<void>;
  await new AsyncFunction('load', 'console', bodyOf(example))(load, console);
}
