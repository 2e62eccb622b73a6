import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^batchx$/, replacement: path('src/index.ts') },
      { find: /^batchx\/testing$/, replacement: path('src/testing.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/setup/build.ts',
    pool: 'forks',
    maxWorkers: 2,
    // Most tests run in virtual time. The limit is for those that start processes on a busy machine.
    testTimeout: 20_000,
    hookTimeout: 120_000,
    reporters: ['default', ['json', { outputFile: 'coverage/tests.json' }]],
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'], clean: false },
  },
});
