/** Loads Ink as the console does (`lean` from sources, `built` in a build, `whole` without its help), and tells how many files of es-toolkit, Ink and string-width came with it, and whether Node's HTTP client did. */
import { registerHooks } from 'node:module';
import { loadInkAs } from './load-ink-as.ts';

let files = 0;
let ink = 0;
const widths = new Set<string>();
registerHooks({
  load(url, context, next) {
    if (url.includes('/es-toolkit/')) files++;
    if (url.includes('/node_modules/ink/')) ink++;
    if (/\/string-width\/index\.js$/.test(url)) widths.add(url);
    return next(url, context);
  },
});
await loadInkAs(process.argv[2]);
const { render } = await import('ink');
// Not in its types, and in every Node: what of Node itself was loaded.
const { moduleLoadList } = process as unknown as { moduleLoadList: readonly string[] };
const client = moduleLoadList.some((name) => name.includes('undici/undici'));
const works = typeof render === 'function' && typeof fetch === 'function';
process.stdout.write(JSON.stringify({ files, ink, widths: widths.size, client, works }));
