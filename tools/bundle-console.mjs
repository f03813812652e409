// The modules of datamesh that the console's first frame needs, in two files instead of some seventy that would have to be found and read one by one (docs/decisions/
// console.md has what it saves). Each module keeps its own file, which passes on what the bundle has of it: whoever imports it gets the same one, and each is there once (but for three that Ink's bundle has as well).
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { rolldown } from 'rolldown';

/** What is loaded before Ink is prepared, and what is loaded then. */
const ROOTS = {
  'console-start': ['console/run.js'],
  'console-screen': ['console/terminal.js', 'console/open-session.js'],
};
/** Folders that only the console loads: in others, a command or a worker would load the whole bundle for one module. */
const WITHIN = /^(console|panels|repl)\//;
/** It says by its own address where others are. */
const APART = /^console\/lean-ink/;

/** Bundles in `folder`, a folder of compiled modules; into its bundled/. */
export async function bundleConsole(folder) {
  const bundleOf = new Map();
  for (const [bundle, roots] of Object.entries(ROOTS)) {
    for (const root of roots) collect(join(folder, root), bundle);
  }

  function collect(file, bundle) {
    const name = slashed(relative(folder, file));
    if (bundleOf.has(file) || !WITHIN.test(name) || APART.test(name)) return;
    if (!existsSync(file)) throw new Error(`${file} is not there`);
    bundleOf.set(file, bundle);
    for (const [, from] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)\b[^;]*?\bfrom '(\.[^']+)';/gm,
    ))
      collect(resolve(dirname(file), from), bundle);
  }

  const bundle = await rolldown({
    cwd: folder,
    input: Object.fromEntries(
      [...bundleOf.keys()].map((file) => [slashed(relative(folder, file)).slice(0, -3), file]),
    ),
    platform: 'node',
    plugins: [
      {
        name: 'of-the-console',
        resolveId(id, importer) {
          if (importer === undefined) return id;
          if (!id.startsWith('.')) return { id, external: true };
          const file = resolve(dirname(importer), id);
          return bundleOf.has(file) ? file : { id: file, external: 'relative' };
        },
      },
    ],
  });
  await bundle.write({
    dir: folder,
    format: 'esm',
    // Names that stay: a console that runs on while it is built anew still finds what it asks for.
    minifyInternalExports: false,
    entryFileNames: '[name].js',
    chunkFileNames: 'bundled/[name].js',
    codeSplitting: {
      groups: Object.keys(ROOTS).map((name) => ({ name, test: (id) => bundleOf.get(id) === name })),
    },
  });
  await bundle.close();
  // They tell where things were in files that are others now.
  for (const file of bundleOf.keys()) rmSync(`${file}.map`, { force: true });
}

function slashed(path) {
  return path.split(sep).join('/');
}
