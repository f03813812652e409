// Ink, React and all that they import as a few files: what the console loads first (src/console/lean-ink.ts says why, and what stands in
// for some of their modules). Called by build.mjs with a folder of compiled modules.
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = '\0entry:';
const STAND_IN = '\0stand-in:';
/** Asked for where DEV is set, and not installed. */
const NEVER = ['react-devtools-core'];

/** Writes `folder`/bundled/. */
export async function bundleInk(folder) {
  const { BUNDLED, REPLACED, bundleFile } = await import(
    pathToFileURL(join(folder, 'console/lean-ink.js')).href
  );
  // As the launcher sets it: what React gives depends on it.
  process.env.NODE_ENV = 'production';
  const sources = new Map();
  const used = new Set();
  for (const specifier of BUNDLED) sources.set(ENTRY + specifier, await entryOf(specifier));
  const asPath = (id) => (id.startsWith('file:') ? fileURLToPath(id) : id);

  const bundle = await rolldown({
    cwd: ROOT,
    input: Object.fromEntries(
      BUNDLED.map((specifier) => [bundleFile(specifier).slice(0, -3), ENTRY + specifier]),
    ),
    platform: 'node',
    external: [/^node:/, ...NEVER],
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
    plugins: [
      {
        name: 'stand-ins',
        async resolveId(id, importer = '') {
          if (sources.has(id)) return id;
          if (importer.startsWith(ENTRY)) return this.resolve(id, join(ROOT, 'package.json'));
          // A stand-in imports what it stands for by its address.
          if (importer.startsWith(STAND_IN)) return asPath(id);
          const parent = importer.replaceAll('\\', '/');
          const found = REPLACED.find((each) => each.specifier === id && each.within.test(parent));
          if (found === undefined) return null;
          const target = await this.resolve(found.target, importer, { skipSelf: true });
          if (target === null) throw new Error(`${importer} imports ${id}, and ${found.target} is not there`);
          used.add(found);
          sources.set(STAND_IN + target.id, found.source(JSON.stringify(pathToFileURL(target.id).href)));
          return STAND_IN + target.id;
        },
        load: (id) => sources.get(id) ?? null,
      },
    ],
  });
  await bundle.write({
    dir: join(folder, 'bundled'),
    format: 'esm',
    banner: '/* Packages of others, named in docs/LICENSES.md with their licences. */',
    // As it is written, without indentation and comments: names stay, for traces.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  });
  await bundle.close();
  for (const each of REPLACED) {
    if (!used.has(each)) throw new Error(`no module of Ink imports ${each.specifier} any longer`);
  }
}

/** Passes on each name that the package gives: those of CommonJS modules can be told only by asking. */
async function entryOf(specifier) {
  const names = Object.keys(await import(specifier)).filter((name) => name !== 'module.exports');
  return `export { ${names.join(', ')} } from ${JSON.stringify(specifier)};`;
}
