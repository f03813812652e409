/**
 * Ink, sooner and for less (docs/decisions/console.md has the figures). In a build it comes as one file with React and all that they import (tools/bundle-ink.mjs):
 * a hundred and thirty modules that need not be found and read one by one. There and elsewhere six places are mended from outside while its modules are loaded,
 * in which it takes much longer, or more, than it needs to:
 * - it takes one function from es-toolkit/compat, which is four hundred files; the function comes from its own file;
 * - it cuts every line of a frame into characters, measures them and puts rows together anew for each frame; what the frame before had is used again;
 * - it measures the widest line of each text for each frame; a text that was measured is remembered;
 * - it keeps every text of thousands of frames; some suffice;
 * - each of its packages brings a string-width of its own, older than datamesh's and costly to load: there is one measure, so that what a row is measured by is what it is placed by;
 * - its layout engine asks fetch for the WebAssembly that it has as text, for which Node loads its whole HTTP client; without fetch it reads the text itself.
 * Where the runtime cannot do that (Node before 22.15), the console is only slower.
 */
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { textWidth } from '../commands/format/text-width.ts';
import { fewTexts, keepCaches, rememberWidths, withoutFetch } from './lean-ink-stand-ins.ts';

/** Appended to the address of a module that is stood in for; the module itself keeps its own. */
const STAND_IN = '?lean';
const STAND_INS = quotedAddress('./lean-ink-stand-ins');
const WIDTHS = quotedAddress('../commands/format/text-width');

/** Of a module of datamesh's, in sources as in a build. */
function quotedAddress(module: string): string {
  const [extension] = /\.[jt]s$/.exec(new URL(import.meta.url).pathname)!;
  return JSON.stringify(new URL(module + extension, import.meta.url).href);
}

/** What is bundled, by the names under which it is imported. */
export const BUNDLED: readonly string[] = ['ink', 'react', 'react/jsx-runtime'];

export function bundleFile(specifier: string): string {
  return `${specifier.replace('/', '-')}.js`;
}

export interface Replaced {
  /** The import, and the modules of Ink in which it is meant. */
  specifier: string;
  within: RegExp;
  /** What is found in its place. */
  target: string;
  /** The module that stands in; `url`, quoted, is the target's. */
  source(url: string): string;
}

/** The stand-ins, for modules that are loaded one by one and for those that are bundled. */
export const REPLACED: readonly Replaced[] = [
  {
    specifier: 'es-toolkit/compat',
    within: /\/ink\/build\//,
    target: 'es-toolkit/compat/throttle',
    // Its own file has it as the default; Ink asks for it by name.
    source: (url) => `export { default as throttle } from ${url};`,
  },
  {
    specifier: './output.js',
    within: /\/ink\/build\/renderer\.js$/,
    target: './output.js',
    source: (url) =>
      `import { ${keepCaches.name} as keep } from ${STAND_INS}; import Output from ${url}; keep(Output); export default Output;`,
  },
  {
    specifier: 'widest-line',
    within: /\/ink\/build\//,
    target: 'widest-line',
    source: (url) =>
      `import { ${rememberWidths.name} as remember } from ${STAND_INS}; import widestLine from ${url}; export default remember(widestLine);`,
  },
  {
    specifier: 'quick-lru',
    within: /\/ink\/build\//,
    target: 'quick-lru',
    source: (url) =>
      `import { ${fewTexts.name} as few } from ${STAND_INS}; import QuickLRU from ${url}; export default few(QuickLRU);`,
  },
  {
    specifier: 'string-width',
    within: /\/node_modules\/(ink|cli-truncate|slice-ansi|widest-line|wrap-ansi)\//,
    target: 'string-width',
    source: () => `export { ${textWidth.name} as default } from ${WIDTHS};`,
  },
  {
    specifier: '../binaries/yoga-wasm-base64-esm.js',
    within: /\/yoga-layout\/dist\/src\/index\.js$/,
    target: '../binaries/yoga-wasm-base64-esm.js',
    source: (url) =>
      `import { ${withoutFetch.name} as without } from ${STAND_INS}; import load from ${url}; export default () => without(load);`,
  },
];

/** To be called before Ink is imported for the first time. */
export function leanInk(): void {
  // Not in every runtime that is supported, whatever its types say.
  const { registerHooks } = nodeModule as { registerHooks?: typeof nodeModule.registerHooks };
  if (registerHooks === undefined) return;
  const bundle = new URL('../bundled/', import.meta.url);
  if (existsSync(bundle)) {
    registerHooks({
      resolve(specifier, context, next) {
        if (!BUNDLED.includes(specifier)) return next(specifier, context);
        return { url: new URL(bundleFile(specifier), bundle).href, format: 'module', shortCircuit: true };
      },
    });
    return;
  }
  const sources = new Map<string, string>();
  registerHooks({
    resolve(specifier, context, next) {
      const parent = context.parentURL ?? '';
      // A stand-in imports what it stands for by its address, so it never comes here again.
      const found = REPLACED.find((each) => each.specifier === specifier && each.within.test(parent));
      if (found === undefined) return next(specifier, context);
      const { url } = next(found.target, context);
      sources.set(url + STAND_IN, found.source(JSON.stringify(url)));
      return { url: url + STAND_IN, shortCircuit: true };
    },
    load(url, context, next) {
      const source = sources.get(url);
      return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
    },
  });
}
