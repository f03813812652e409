import { configDefaults, defineConfig } from 'vitest/config';

/** Whole meshes, and what is held to a time. */
const MESHES = [
  'test/cluster/!(examples|package|sizes).test.ts',
  'test/adversary/**/*.test.ts',
  'test/cli/speed.test.ts',
  'test/engine/catalog/million.test.ts',
];

/** Meshes that are held to no time: two side by side. The figures of the others mean something only when nothing else runs. */
const SIDE_BY_SIDE = [
  'checker',
  'cleanup',
  'clock',
  'crash',
  'drain',
  'folders-kill',
  'losses',
  'mesh-commands',
  'one-shots',
  'service-kill',
  'tied',
  'versions',
  'whatif',
  'zones',
].map((name) => `test/cluster/${name}.test.ts`);

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
        test: { name: 'meshes', include: SIDE_BY_SIDE, maxWorkers: 2, sequence: { groupOrder: 2 } },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: MESHES,
          exclude: [...configDefaults.exclude, ...SIDE_BY_SIDE],
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
