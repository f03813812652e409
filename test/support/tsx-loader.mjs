/**
 * Lets a test process start from the sources: Node strips types of .ts itself, the JSX of .tsx is compiled here. The compiler is the one
 * vitest brings along (vitest → vite → rolldown), so tests need no package of their own for it.
 */
import { readFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const fromVitest = createRequire(createRequire(import.meta.url).resolve('vitest/package.json'));
const fromVite = createRequire(fromVitest.resolve('vite/package.json'));
const { transformSync } = await import(pathToFileURL(fromVite.resolve('rolldown/utils')).href);

registerHooks({
  load(url, context, nextLoad) {
    if (!url.endsWith('.tsx')) return nextLoad(url, context);
    const path = fileURLToPath(url);
    const result = transformSync(path, readFileSync(path, 'utf8'), {
      lang: 'tsx',
      jsx: { runtime: 'automatic' },
    });
    if (result.errors.length > 0) throw new SyntaxError(`${path}: ${result.errors[0].message}`);
    return { format: 'module', source: result.code, shortCircuit: true };
  },
});
