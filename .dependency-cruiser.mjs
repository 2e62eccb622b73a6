import { existsSync, readFileSync } from 'node:fs';

/**
 * The floors, from the ground up: which files of ours the files of a floor may import, as path patterns.
 * Files of one floor may always import each other, within what the rules further down leave open.
 */
const floors = {
  core: { files: '^src/core/', may: [] },

  'operators-flow': { files: '^src/operators/flow/', may: ['^src/core/'] },
  'operators-policies': { files: '^src/operators/policies/', may: ['^src/core/'] },
  'operators-steps': { files: '^src/operators/steps/', may: ['^src/core/'] },
  sources: { files: '^src/sources/', may: ['^src/core/'] },
  sinks: { files: '^src/sinks/', may: ['^src/core/'] },
  journal: { files: '^src/journal/', may: ['^src/core/'] },
  report: { files: '^src/report/', may: ['^src/core/'] },

  builtin: { files: '^src/builtin(-rows)?\\.ts$', may: ['^src/(core|operators|sources|sinks)/'] },
  pipeline: { files: '^src/pipeline/', may: ['^src/(core|operators/flow|operators/policies|journal|report)/'] },

  'run-pipeline': {
    files: '^src/run-(batch|pipeline)\\.ts$',
    may: ['^src/builtin\\.ts$', '^src/(pipeline|core)/'],
  },
  cli: { files: '^src/cli/', may: ['^src/builtin(-rows)?\\.ts$', '^src/(pipeline|journal|report|core)/'] },
  testing: { files: '^src/testing/', may: ['^src/core/'] },
  library: { files: '^src/(index|testing)\\.ts$', may: ['^src/(?!cli/)'] },

  bin: { files: '^bin/', may: ['^src/cli/'] },
};

const ours = '^(src|bin)/';

/** The files that `builtin.ts` lists. What else lies in their folders are helpers, and may be shared there. */
const builtin = new URL('src/builtin.ts', import.meta.url);
const components = existsSync(builtin)
  ? [...readFileSync(builtin, 'utf8').matchAll(/['"]\.\/((?:operators|sources|sinks)\/[^'"]+)\.js['"]/g)].map(
      ([, path]) => `^src/${path}\\.ts$`,
    )
  : [];

export default {
  forbidden: [
    ...Object.entries(floors).map(([name, { files, may }]) => ({
      name: `floor-${name}`,
      comment: may.length > 0 ? `of ours it may import: ${may.join(', ')}` : 'it may import nothing of ours',
      severity: 'error',
      from: { path: files },
      to: { path: ours, pathNot: [files, ...may] },
    })),
    {
      name: 'no-unknown-floor',
      comment: 'every file lies on a floor of .dependency-cruiser.mjs; a new folder is entered there first',
      severity: 'error',
      from: {},
      to: { path: ours, pathNot: Object.values(floors).map(({ files }) => files) },
    },
    {
      name: 'no-unknown-floor-from',
      comment: 'every file lies on a floor of .dependency-cruiser.mjs; a new folder is entered there first',
      severity: 'error',
      from: { path: ours, pathNot: Object.values(floors).map(({ files }) => files) },
      to: {},
    },
    ...['operators/steps', 'sources', 'sinks'].flatMap((room) => {
      const siblings = components.filter((path) => path.startsWith(`^src/${room}/`));
      if (siblings.length === 0) return []; // an empty list would mean: every file
      return {
        name: `no-siblings-${room.replace('/', '-')}`,
        comment: 'a component does not import another; what two need is a helper, or belongs in core',
        severity: 'error',
        from: { path: siblings },
        to: { path: siblings },
      };
    }),

    {
      name: 'no-cycles',
      comment: 'types count: a cycle of types is two files that cannot be read apart',
      severity: 'error',
      from: { path: '^(src|bin|test|examples|bench)/' },
      to: { circular: true },
    },
    {
      name: 'core-needs-little',
      comment:
        'core stands on rxjs, zod and node, and loads when it is needed what reads templates, HTTP and TypeScript',
      severity: 'error',
      from: { path: '^src/core/' },
      to: {
        dependencyTypesNot: ['core', 'local'],
        pathNot: ['(^|/)node_modules/(rxjs|zod|liquidjs|undici|jiti)/', '^src/'],
      },
    },
    {
      name: 'terminal-only-in-cli',
      comment: 'the command line alone knows how it is called and what it looks like',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '(^|/)node_modules/(yargs|ora)/' },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'what users get may need only what they install',
      severity: 'error',
      from: { path: ours },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-way-out',
      comment: 'nothing that ships imports tests, examples or scripts',
      severity: 'error',
      from: { path: ours },
      to: { path: '^(test|examples|bench|scripts|docs|dist)/' },
    },
    {
      name: 'examples-are-users',
      comment: 'an example imports `batchx` and `batchx/testing`, as a user would',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: ours, pathNot: '^src/(index|testing)\\.ts$' },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: { path: '^(src|bin|test|examples|bench)/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-deprecated-node',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['deprecated', 'core'], path: '^(punycode|domain|constants|sys|_linklist|_stream_wrap)$' },
    },
  ],

  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|test/fixtures|bench/data)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
