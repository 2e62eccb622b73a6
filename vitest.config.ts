import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What a test says that starts batchx or another program, or that changes its own process. */
const aboutProcesses = /\/program\.js'|node:child_process|process\.(chdir|umask|on)\(/;

/** All others: to load what they test once more for each file would take longer than most of them. */
const together = readdirSync(path('test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((name) => !aboutProcesses.test(readFileSync(path(name), 'utf8')));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^batchx$/, replacement: path('src/index.ts') },
      { find: /^batchx\/testing$/, replacement: path('src/testing.ts') },
    ],
  },
  test: {
    pool: 'forks',
    // One more than the cores that it is made for: those that start programs wait for them.
    maxWorkers: 3,
    // Most tests run in virtual time. The limit is for those that start processes on a busy machine.
    testTimeout: 20_000,
    hookTimeout: 120_000,
    reporters: ['default', ['json', { outputFile: 'coverage/tests.json' }]],
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'], clean: false },
    // Run in the order of their names: the long ones first.
    projects: [
      {
        extends: true,
        test: {
          name: 'alone',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...together],
          globalSetup: 'test/setup/build.ts',
        },
      },
      { extends: true, test: { name: 'together', include: together, isolate: false } },
    ],
  },
});
