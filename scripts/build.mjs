/**
 * Builds dist/: the library with its types by tsc (dist/lib), the program by esbuild (dist/bin).
 *
 *   node scripts/build.mjs               both, from nothing
 *   node scripts/build.mjs --bin         the program only
 *   node scripts/build.mjs --if-stale    only what is older than the sources (what the tests call)
 *   node scripts/build.mjs --prepare     what npm runs after an install: says so and ends well where the
 *                                        development dependencies were left out
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const flags = new Set(process.argv.slice(2));
const unknown = [...flags].filter((flag) => !['--bin', '--if-stale', '--prepare'].includes(flag));
if (unknown.length > 0) {
  console.error(`build: no option is called ${unknown.join(', ')}; there are --bin, --if-stale and --prepare`);
  process.exit(2);
}

if (flags.has('--prepare') && !(installed('esbuild') && installed('typescript'))) {
  console.error('build: nothing was built, because the development dependencies are not installed');
  process.exit(0);
}

/**
 * Takes rxjs from its ES modules. Its package.json names `node` (CommonJS, which cannot be shaken: 230 KB more) before
 * `es2015`, so no choice of conditions leads there.
 */
const rxjsModules = {
  name: 'rxjs-modules',
  setup({ onResolve }) {
    const { exports } = JSON.parse(readFileSync(require.resolve('rxjs/package.json'), 'utf8'));
    const folder = dirname(require.resolve('rxjs/package.json'));
    onResolve({ filter: /^rxjs(\/|$)/ }, ({ path }) => {
      const target = exports[path.replace(/^rxjs/, '.')]?.es2015;
      return target ? { path: join(folder, target), sideEffects: false } : undefined;
    });
  },
};

/**
 * Takes of yargs what is asked for: it does not say that its modules can be left out, and what lays out its own help
 * costs a third of our start.
 */
const yargsParts = {
  name: 'yargs-parts',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^\.\.?\// }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === yargsParts || !importer.includes('/node_modules/yargs/')) return undefined;
      const { path: target, errors } = await resolve(path, { importer, resolveDir, kind, pluginData: yargsParts });
      return errors.length > 0 ? { errors } : { path: target, sideEffects: false };
    });
  },
};

/**
 * What is loaded in one go, each after the one before it. A file that several of them use goes into the first of those
 * only when each has all that is in those before it; otherwise there would be a chunk for every combination, and to
 * load many at a time needs many descriptors.
 */
const layers = {
  name: 'layers',
  setup({ onLoad }) {
    const order = [
      'src/cli/dispatch.ts',
      'src/cli/commands/rows.ts',
      'src/cli/commands/others.ts',
      'src/cli/jobs.ts',
      'src/cli/pipelines.ts',
    ];
    for (const [at, layer] of order.entries()) {
      const path = join(root, layer);
      const below = order
        .slice(Math.max(0, at - 1), at)
        .map((each) => `export * as below from ${JSON.stringify(join(root, each))};`);
      onLoad({ filter: new RegExp(`${layer.replaceAll('.', '\\.')}$`) }, () => ({
        contents: [readFileSync(path, 'utf8'), ...below].join('\n'),
        loader: 'ts',
      }));
    }
  },
};

const program = join(root, 'dist/bin/batchx.js');
const library = join(root, 'dist/lib/index.js');
const started = new Date(); // what is built is as old as this: a source may change while it is being read
const inputs = [
  'src',
  'bin',
  'scripts/build.mjs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
];
const onlyStale = flags.has('--if-stale');

if (!onlyStale && !flags.has('--bin')) rmSync(join(root, 'dist'), { recursive: true, force: true });
if (!flags.has('--bin') && !(onlyStale && isFresh(library))) buildLibrary();
if (!(onlyStale && isFresh(program))) await buildProgram();

function installed(name) {
  try {
    require.resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

/** Whether `file` was built after everything it is built from was last changed. */
function isFresh(file) {
  const built = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  return built !== undefined && newest(inputs) < built;
}

function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    const full = join(root, path);
    const stat = statSync(full, { throwIfNoEntry: false });
    if (!stat) continue;
    latest = Math.max(latest, stat.mtimeMs); // of a folder too: a file may have been removed from it
    if (stat.isDirectory()) latest = Math.max(latest, newest(readdirSync(full).map((name) => join(path, name))));
  }
  return latest;
}

function buildLibrary() {
  rmSync(join(root, 'dist/lib'), { recursive: true, force: true });
  const tsc = spawnSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (tsc.status !== 0) process.exit(tsc.status ?? 1);
  utimesSync(library, started, started);
  console.error(`build: dist/lib ${kilobytes(join(root, 'dist/lib'))}`);
}

async function buildProgram() {
  const { build } = await import('esbuild');
  const result = await build({
    absWorkingDir: root,
    entryPoints: { batchx: 'bin/batchx.ts' },
    outdir: 'dist/bin',
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['jiti'], // it loads parts of itself by their place in its folder
    splitting: true, // what is imported by `await import()` stays out of the start
    chunkNames: 'chunks/[name]-[hash]',
    // Identifiers stay as they are, so that stack traces can be read. `keepNames` is not needed for that: it serves
    // those few that are renamed because two modules use them, and costs a call for every closure that is made.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 160, // node shows the line of an error that nobody caught
    define: { BATCHX_VERSION: JSON.stringify(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version) },
    legalComments: 'none', // the whole licences are in LICENSES.txt beside the program
    // CommonJS dependencies ask for node's own modules by `require`. Bundled code that declares a `require` has it
    // renamed by esbuild, but an imported `createRequire` keeps its name: ours needs one that nobody else has.
    banner: {
      js: [
        `import { createRequire as __batchxCreateRequire } from 'node:module';`,
        `const require = __batchxCreateRequire(import.meta.url);`,
      ].join('\n'),
    },
    plugins: [rxjsModules, yargsParts, layers],
    metafile: true,
    write: false,
    logLevel: 'warning',
  }).catch(() => process.exit(1)); // it has said why

  // Written beside a program that may be running: chunks first (their names carry their hash), then the entry in one
  // go. What no longer belongs to it is left for a while, since the running one may still ask for it.
  const entry = result.outputFiles.find(({ path }) => path === program);
  const others = result.outputFiles.filter((file) => file !== entry);
  mkdirSync(join(root, 'dist/bin/chunks'), { recursive: true });
  for (const { path, contents } of others) writeFileSync(path, contents);
  writeFileSync(join(root, 'dist/bin/LICENSES.txt'), licences(Object.keys(result.metafile.inputs)));
  const temporary = `${program}.${process.pid}`;
  writeFileSync(temporary, entry.text.startsWith('#!') ? entry.contents : `#!/usr/bin/env node\n${entry.text}`);
  chmodSync(temporary, 0o755);
  utimesSync(temporary, started, started);
  renameSync(temporary, program);
  const chunks = join(root, 'dist/bin/chunks');
  const kept = new Set(others.map(({ path }) => path));
  for (const chunk of readdirSync(chunks).map((name) => join(chunks, name))) {
    if (!kept.has(chunk) && started - statSync(chunk).mtime > 10 * 60_000) rmSync(chunk);
  }

  const size = result.outputFiles.reduce((sum, { contents }) => sum + contents.length, 0);
  console.error(`build: dist/bin ${Math.round(size / 1024)} KB, entry ${kilobytes(program)}`);
}

/** The text of the licence of every package that has code in the bundle. */
function licences(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
    if (folder) packages.add(folder);
  }
  return [...packages]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
      const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file ? readFileSync(join(root, folder, file), 'utf8').trim() : `Licence: ${license}`;
      return `${name} ${version}\n\n${text}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function kilobytes(path) {
  const size = (file) =>
    statSync(file).isDirectory()
      ? readdirSync(file).reduce((sum, name) => sum + size(join(file, name)), 0)
      : statSync(file).size;
  return `${Math.round(size(path) / 1024)} KB`;
}
