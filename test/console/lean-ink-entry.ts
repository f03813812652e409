/** Loads Ink as the console does, and tells how many files of es-toolkit came with it. */
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
process.stdout.write(JSON.stringify({ files, works: typeof render === 'function' }));
