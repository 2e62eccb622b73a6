/**
 * Proves the tests of the flow: plants one fault at a time in a copy of the project and runs the tests that should see
 * it. Fails when one survives, or when it does not apply to the code any more.
 *
 *   npm run test:mutants                   all of scripts/mutants, about ten minutes
 *   npm run test:mutants -- sink cap       those whose list, name and file have all of these words in them
 *   npm run test:mutants -- --list=FILE    those of another list
 *
 * A list is the default export of a module. Each fault in it is: what is wrong, in which file (of src/core, or a path
 * from src), the text before and after, or several such pairs, and the tests that must see it.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');
const words = process.argv.slice(2).filter((arg) => !arg.startsWith('--list='));
const given = process.argv.slice(2).find((arg) => arg.startsWith('--list='));
const lists =
  given === undefined
    ? readdirSync(join(import.meta.dirname, 'mutants')).map((name) => join(import.meta.dirname, 'mutants', name))
    : [resolve(given.slice('--list='.length))];
const faults = (await Promise.all(lists.map(faultsOf))).flat();
const chosen = faults.filter(({ title, file }) => words.every((word) => `${title} ${file}`.includes(word)));
if (chosen.length === 0) {
  console.error(`mutants: expected words that some fault has, got ${words.join(' ')}`);
  process.exit(2);
}

let running;
const copy = mkdtempSync(join(tmpdir(), 'batchx-mutants-'));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    killRunning();
    rmSync(copy, { recursive: true, force: true });
    process.exit(130);
  });
}
try {
  for (const each of ['src', 'test', 'package.json', 'tsconfig.json'])
    cpSync(join(root, each), join(copy, each), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir');
  writeFileSync(join(copy, 'mutants.config.mjs'), config());
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

async function faultsOf(path) {
  const { default: list } = await import(pathToFileURL(path));
  return list.map(([name, file, ...rest]) => {
    const several = Array.isArray(rest[0]);
    return {
      title: `${basename(path, '.mjs')}: ${name}`,
      file: file.includes('/') ? `src/${file}.ts` : `src/core/${file}.ts`,
      edits: several ? rest[0] : [rest.slice(0, 2)],
      tests: rest.slice(several ? 1 : 2),
    };
  });
}

async function run() {
  const before = await vitest([...new Set(chosen.flatMap(({ tests }) => tests))]);
  if (before !== 'passed') {
    console.error(`mutants: the tests have to pass before a fault is planted; they ${before}`);
    return false;
  }
  let caught = 0;
  for (const fault of chosen) {
    const result = await plant(fault);
    if (result.startsWith('caught')) caught++;
    console.log(`${result.padEnd(16)} ${fault.title.padEnd(62)} ${fault.file}`);
  }
  console.log(`mutants: ${caught} of ${chosen.length} faults were caught`);
  return caught === chosen.length;
}

/** Plants a fault, runs its tests and takes it out again. */
async function plant({ file, edits, tests }) {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  let broken = source;
  for (const [from, to] of edits) {
    if (broken.split(from).length !== 2) return 'does not apply';
    broken = broken.replace(from, () => to);
  }
  writeFileSync(path, broken);
  const result = await vitest(tests);
  writeFileSync(path, source);
  return { passed: 'SURVIVED', failed: 'caught', hung: 'caught (hangs)' }[result];
}

/** Runs tests of the copy, in a process group of their own: a loop without an end is ended with all that was started. */
function vitest(tests) {
  const vitestBin = join(root, 'node_modules/vitest/vitest.mjs');
  running = spawn(process.execPath, [vitestBin, 'run', '--config', 'mutants.config.mjs', '--bail', '1', ...tests], {
    cwd: copy,
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=1024' },
  });
  return new Promise((resolve) => {
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      killRunning();
    }, 60_000);
    running.on('close', (code) => {
      clearTimeout(timer);
      running = undefined;
      resolve(hung ? 'hung' : code === 0 ? 'passed' : 'failed');
    });
  });
}

function killRunning() {
  if (running !== undefined) process.kill(-running.pid, 'SIGKILL');
}

/** The project's own configuration without the build that its tests of the command line need. */
function config() {
  return `import { join } from 'node:path';
const path = (relative) => join(import.meta.dirname, relative);
export default {
  resolve: {
    alias: [
      { find: /^batchx$/, replacement: path('src/index.ts') },
      { find: /^batchx\\/testing$/, replacement: path('src/testing.ts') },
    ],
  },
  test: { include: ['test/**/*.test.ts'], pool: 'forks', maxWorkers: 2, testTimeout: 10_000 },
};
`;
}
