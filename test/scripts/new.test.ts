import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'batchx-new-'));

const made = {
  operator: ['src/operators/flow/try-operator.ts', 'test/operators/try-operator.test.ts'],
  step: ['src/operators/steps/try-step.ts', 'test/operators/try-step.test.ts'],
  source: ['src/sources/try-source.ts', 'test/sources/try-source.test.ts'],
  sink: ['src/sinks/try-sink.ts', 'test/sinks/try-sink.test.ts'],
};
const files = Object.values(made).flat();

beforeAll(() => {
  const configs = ['package.json', 'tsconfig.json', 'vitest.config.ts', 'eslint.config.js', '.prettierrc'];
  for (const path of [...configs, 'scripts', 'src']) cpSync(join(root, path), join(copy, path), { recursive: true });
  mkdirSync(join(copy, 'test/setup'), { recursive: true });
  writeFileSync(join(copy, 'test/setup/build.ts'), 'export default () => undefined;\n'); // no program is built here
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});

afterAll(() => rmSync(copy, { recursive: true }));

describe('npm run new', () => {
  it.each(Object.entries(made))(
    'writes the file and the test of %s, and says what to do next',
    (kind, [component, test]) => {
      const { status, stdout } = create(kind, `try-${kind}`);
      expect(status).toBe(0);
      expect(stdout).toContain(`wrote ${component}\nwrote ${test}\n`);
      expect(stdout).toContain('src/builtin.ts');
      for (const file of [component, test]) expect(readFileSync(join(copy, file!), 'utf8')).not.toMatch(/__\w+__/);
    },
  );

  it('writes what the compiler accepts', () => {
    const options = { extends: './tsconfig.json', files, include: [] };
    writeFileSync(join(copy, 'tsconfig.made.json'), JSON.stringify(options));
    expect(run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.made.json')).toMatchObject({ stdout: '', status: 0 });
  }, 120_000);

  it('writes what the linter and the formatter accept', () => {
    expect(run('node_modules/eslint/bin/eslint.js', ...files)).toMatchObject({ stdout: '', stderr: '', status: 0 });
    expect(run('node_modules/prettier/bin/prettier.cjs', '--check', ...files)).toMatchObject({ stderr: '', status: 0 });
  }, 120_000);

  it('writes tests that pass', () => {
    const tests = files.filter((file) => file.startsWith('test/'));
    const { status, stdout, stderr } = run('node_modules/vitest/vitest.mjs', 'run', ...tests);
    expect(stdout + stderr).toMatch(/Test Files\s+4 passed/);
    expect(status).toBe(0);
  }, 120_000);

  it.each([
    ['a name that is taken', ['source', 'jsonl'], 'src/sources/jsonl.ts exists'],
    ['a name that is not kebab-case', ['step', 'rateLimit'], 'got `rateLimit`'],
    ['a name that leads elsewhere', ['sink', '../jsonl'], 'kebab-case'],
    ['a word of the language', ['operator', 'switch'], '`switch` is a word of the language'],
    ['a kind that there is not', ['policy', 'wait'], 'operator|step|source|sink NAME'],
    ['no name', ['step'], 'operator|step|source|sink NAME'],
    ['more than one name', ['step', 'a', 'b'], 'operator|step|source|sink NAME'],
  ])('refuses %s', (_, args, reason) => {
    const { status, stdout, stderr } = create(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(reason);
  });

  it('leaves no half behind when only the test is there', () => {
    writeFileSync(join(copy, 'test/sinks/half.test.ts'), '');
    expect(create('sink', 'half').status).toBe(2);
    expect(existsSync(join(copy, 'src/sinks/half.ts'))).toBe(false);
  });
});

const create = (...args: string[]) => run('scripts/new.mjs', ...args);

function run(script: string, ...args: string[]) {
  // Colours and the caller's own vitest stay out of what is compared.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' };
  return spawnSync(process.execPath, [join(copy, script), ...args], { cwd: copy, encoding: 'utf8', env });
}
