import { defineConfig } from 'vitest/config';

/** One cluster for all: the suites run one after the other, in the order of their names. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['suites/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    // A machine that is shared may be away for a minute: CI lets a test try once more, and the report says which did.
    retry: Number(process.env['BERTH_E2E_RETRY'] ?? 0),
    sequence: { sequencer: (await import('./support/by-name.ts')).ByName },
  },
});
