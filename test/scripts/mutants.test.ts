import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'batchx-faults-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Fault = [name: string, file: string, from: string, to: string, ...tests: string[]];
const { default: core } = (await import(pathToFileURL(join(root, 'scripts/mutants/core.mjs')).href)) as {
  default: Fault[];
};
/** Each takes a start of vitest; `npm run test:mutants` plants all of them. */
const few = ['cap + 1', 'wrong order'];

describe('npm run test:mutants', () => {
  it('sees that faults are caught', () => {
    // With the first of the tests that see each, which is enough.
    const faults = core.filter(([name]) => few.includes(name)).map((fault) => fault.slice(0, 5));
    const { said, status } = plant('few', faults);
    expect(said).toEqual([...few.map((name) => `caught few: ${name}`), 'mutants: 2 of 2 faults were caught']);
    expect(status).toBe(0);
  }, 60_000);

  it('fails when one survives, or does not apply any more', () => {
    const test = 'test/core/ring.test.ts';
    const { said, status } = plant('bad', [
      ['nothing', 'ring', 'export class Ring<T> {', 'export class Ring<T> { ', test],
      ['gone', 'ring', 'what was there once', '', test],
    ]);
    expect(said).toEqual(['SURVIVED bad: nothing', 'does not apply bad: gone', 'mutants: 0 of 2 faults were caught']);
    expect(status).toBe(1);
  }, 60_000);

  it('refuses words that no fault has', () => {
    const { status, stderr } = mutants('there is no such fault');
    expect(status).toBe(2);
    expect(stderr).toContain('there is no such fault');
  });
});

function plant(name: string, faults: unknown[]) {
  const list = join(folder, `${name}.mjs`);
  writeFileSync(list, `export default ${JSON.stringify(faults)};\n`);
  const { stdout, stderr, status } = mutants(`--list=${list}`);
  expect(stderr).toBe('');
  const said = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +src\/\S+$/, '').replace(/ {2,}/, ' '));
  return { said, status };
}

function mutants(...args: string[]) {
  // The caller's own vitest stays out of it.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  return spawnSync(process.execPath, [join(root, 'scripts/mutants.mjs'), ...args], { encoding: 'utf8', env });
}
