import { configDefaults, defineConfig } from 'vitest/config';

/** Whole meshes that share the machine, and what is held to a time: their figures mean something only when nothing else runs. Left out are meshes held to no time. */
const MESHES = [
  'test/cluster/!(examples|package|sizes).test.ts',
  'test/adversary/**/*.test.ts',
  'test/cli/speed.test.ts',
  'test/engine/catalog/million.test.ts',
];

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // The suite starts real processes; a colour or CI variable of the caller must not change what they print.
    env: { NODE_ENV: 'production', CI: '', NO_COLOR: '', FORCE_COLOR: '' },
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
          exclude: [...configDefaults.exclude, ...MESHES],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: 'meshes', include: MESHES, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
