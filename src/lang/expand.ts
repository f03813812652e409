/** Variables in words. A variable is one word's text, never split again and never read as an operator or quote. */

import { suggest } from '../config/suggest.ts';
import type { WordPart } from './tokenizer.ts';
import type { Diagnostic } from './types.ts';

export interface ExpandScope {
  /** Set variables; the REPL puts `?` and `_` here too. */
  variables: Readonly<Record<string, string>>;
  env: Readonly<Record<string, string | undefined>>;
}

/** UTF-16 units of one expanded word. `set A=$A$A` doubles it line by line; forty lines would fill the memory. */
export const MAX_WORD = 64 * 1024;

/** The word's text; unset variables are reported and leave nothing. */
export function expandWord(
  parts: readonly WordPart[],
  scope: ExpandScope,
  diagnostics: Diagnostic[],
): string {
  let text = '';
  for (const part of parts) {
    if (part.kind === 'text') {
      text += part.text;
      continue;
    }
    const value = lookUp(part.name, scope);
    // As in a shell, `:-` also stands in for a variable that is empty.
    const chosen =
      part.fallback !== undefined && (value === undefined || value === '') ? part.fallback : value;
    if (chosen !== undefined && text.length + chosen.length > MAX_WORD) {
      diagnostics.push({
        code: 'input-too-large',
        message: `the word is longer than ${MAX_WORD} characters with its variables`,
        suggestions: [],
        span: part.span,
      });
      return text;
    }
    if (chosen !== undefined) text += chosen;
    else diagnostics.push(unset(part.name, scope, part.span));
  }
  return text;
}

function lookUp(name: string, scope: ExpandScope): string | undefined {
  if (name.startsWith('env:')) return scope.env[name.slice(4)];
  return Object.hasOwn(scope.variables, name) ? scope.variables[name] : undefined;
}

function unset(name: string, scope: ExpandScope, span: Diagnostic['span']): Diagnostic {
  const special = name === '?' || name === '_';
  return {
    code: 'unset-variable',
    message: special
      ? `$${name} is known only in the console, after a command has run`
      : `variable '${name}' is not set`,
    suggestions:
      special || name.startsWith('env:')
        ? []
        : suggest(name, Object.keys(scope.variables)).map((found) => `$${found}`),
    mend: special
      ? "use '&&', '||' or expect-exit in a script"
      : name.startsWith('env:')
        ? `set it in the environment, or write \${${name}:-default}`
        : `write 'set ${name}=value' before it, or \${${name}:-default}, or \\$ for a dollar sign`,
    span,
  };
}
