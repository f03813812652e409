/**
 * Ink takes one function from es-toolkit/compat, which is four hundred files: 150 ms of the time to the first frame (measured). They are passed by; the
 * function comes from its own file. Where the runtime cannot do that (Node before 22.15), the console only starts later.
 */
import * as nodeModule from 'node:module';

const WHOLE = 'es-toolkit/compat';
const FUNCTION = 'es-toolkit/compat/throttle';
const NAMED = '?named';

/** To be called before Ink is imported for the first time. */
export function leanInk(): void {
  // Not in every runtime that is supported, whatever its types say.
  const { registerHooks } = nodeModule as { registerHooks?: typeof nodeModule.registerHooks };
  registerHooks?.({
    resolve(specifier, context, next) {
      if (specifier !== WHOLE || context.parentURL?.includes('/ink/') !== true)
        return next(specifier, context);
      return { url: next(FUNCTION, context).url + NAMED, shortCircuit: true };
    },
    load(url, context, next) {
      if (!url.endsWith(`throttle.mjs${NAMED}`)) return next(url, context);
      // Its own file has it as the default; Ink asks for it by name.
      const source = `export { default as throttle } from ${JSON.stringify(url.slice(0, -NAMED.length))};`;
      return { format: 'module', source, shortCircuit: true };
    },
  });
}
