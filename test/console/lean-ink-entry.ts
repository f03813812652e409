/** Loads Ink as the console does, and tells how many files of es-toolkit came with it, and whether Node's HTTP client did. */
import { registerHooks } from 'node:module';
import { leanInk } from '../../src/console/lean-ink.ts';

let files = 0;
registerHooks({
  load(url, context, next) {
    if (url.includes('/es-toolkit/')) files++;
    return next(url, context);
  },
});
if (process.argv[2] === 'lean') leanInk();
const { render } = await import('ink');
// Not in its types, and in every Node: what of Node itself was loaded.
const { moduleLoadList } = process as unknown as { moduleLoadList: readonly string[] };
const client = moduleLoadList.some((name) => name.includes('undici/undici'));
const works = typeof render === 'function' && typeof fetch === 'function';
process.stdout.write(JSON.stringify({ files, client, works }));
