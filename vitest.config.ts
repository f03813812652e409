import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // The suite starts real processes; a colour or CI variable of the caller must not change what they print.
    env: { NODE_ENV: 'production', CI: '', NO_COLOR: '', FORCE_COLOR: '' },
  },
});
