import { defineConfig } from 'vitest/config';

/** Against the real API server: one for all, started before the first of them, so they run one after the other. */
const cluster = ['test/cluster/**/*.test.ts', 'test/crds/**/*.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 120_000, // seconds on a quiet machine
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'here', include: ['test/**/*.test.ts'], exclude: cluster } },
      {
        extends: true,
        test: { name: 'cluster', include: cluster, globalSetup: 'test/support/cluster-setup.ts', fileParallelism: false },
      },
    ],
  },
});
