import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = readJson('package.json') as { version: string };
const temporary = mkdtempSync(join(tmpdir(), 'batchx-tarball-'));
const project = join(temporary, 'project');
const installed = join(project, 'node_modules/batchx');

/**
 * Installs the tarball as npm would, without asking a registry: unpacked into an empty project, and beside it
 * links to the packages that users get, and only to those, so that an undeclared dependency is missed.
 */
beforeAll(() => {
  run(process.execPath, ['scripts/build.mjs', '--if-stale'], root);
  // The scripts are left out because `prepare` would build once more.
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', temporary], root);
  mkdirSync(join(project, 'node_modules/.bin'), { recursive: true });
  mkdirSync(installed);
  run(
    'tar',
    ['-xzf', join(temporary, `batchx-${manifest.version}.tgz`), '--strip-components=1', '-C', installed],
    root,
  );
  symlinkSync('../batchx/dist/bin/batchx.js', join(project, 'node_modules/.bin/batchx'));
  for (const path of productionDependencies()) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    symlinkSync(join(root, path), join(project, path));
  }
  write('package.json', JSON.stringify({ private: true, type: 'module' }));
});

afterAll(() => rmSync(temporary, { recursive: true, force: true }));

describe('the command line', () => {
  it('says its version', () => {
    expect(run(join(project, 'node_modules/.bin/batchx'), ['--version'])).toBe(`batchx ${manifest.version}\n`);
  });

  it('needs no other package, not for what it loads later either', () => {
    const alone = join(temporary, 'alone');
    cpSync(join(installed, 'dist/bin'), join(alone, 'bin'), { recursive: true });
    cpSync(join(installed, 'package.json'), join(alone, 'package.json'));
    write('in.jsonl', '{"n":1}\n{"n":2}\n');
    expect(run(process.execPath, [join(alone, 'bin/batchx.js'), 'map', 'data.n + 1', 'in.jsonl'])).toBe('2\n3\n');
    const chunks = readdirSync(join(alone, 'bin/chunks'));
    expect(chunks).not.toEqual([]);
    write(
      'load.mjs',
      chunks.map((name) => `await import(${JSON.stringify(join(alone, 'bin/chunks', name))});`).join('\n'),
    );
    expect(run(process.execPath, ['load.mjs'])).toBe('');
  });
});

describe('the library', () => {
  const consumer = `import { lastValueFrom } from 'rxjs';
import { jsonl, mapConcurrent, toJsonl } from 'batchx';
import * as testing from 'batchx/testing';

const rows = jsonl('in.jsonl').pipe(mapConcurrent(async (row) => Promise.resolve(row), 2), toJsonl('out.jsonl'));
await lastValueFrom(rows);
console.log(Object.keys(testing).length > 0);
`;

  it('is imported by its two doors', () => {
    write('in.jsonl', '{"n":1}\n{"n":2}\n');
    write('consumer.mjs', consumer);
    expect(run(process.execPath, ['consumer.mjs'])).toBe('true\n');
    expect(readFileSync(join(project, 'out.jsonl'), 'utf8')).toBe('{"n":1}\n{"n":2}\n');
  });

  it('shows no other door', () => {
    write('back-door.mjs', `await import('batchx/dist/lib/index.js').catch(({ code }) => console.log(code));\n`);
    expect(run(process.execPath, ['back-door.mjs'])).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED\n');
  });

  it('has types that hold without skipLibCheck', () => {
    mkdirSync(join(project, 'node_modules/@types'), { recursive: true });
    symlinkSync(join(root, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'));
    write('consumer.ts', consumer);
    const compilerOptions = {
      target: 'es2023',
      module: 'nodenext',
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    };
    write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
    expect(run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'])).toBe('');
  }, 120_000);
});

/** Paths of all packages that `npm install batchx` would bring, those inside other packages left to these. */
function productionDependencies(): string[] {
  const { packages } = readJson('package-lock.json') as { packages: Record<string, { dev?: boolean }> };
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev && path.lastIndexOf('node_modules/') === 0)
    .map(([path]) => path);
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}

function write(file: string, text: string): void {
  writeFileSync(join(project, file), text);
}

/** What a program prints. It must end well: otherwise all that it printed is in the error. */
function run(program: string, args: string[], cwd = project): string {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
