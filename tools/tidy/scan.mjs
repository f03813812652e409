/** Reads source text just far enough for the tidy rules: code without comments and strings, and the imports. */

/**
 * @typedef {{ specifier: string, line: number, kind: 'static' | 'type' | 'dynamic' }} Import
 */

const REGEX_MAY_FOLLOW =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|delete|void|throw|await|yield))\s*$/;

/**
 * The same text with every comment, string, template text and regular expression replaced by spaces, so that offsets
 * and lines stay. A quote that does not close on its line (an apostrophe in JSX text) hides the rest of that line only.
 */
export function codeOnly(text) {
  const out =
    [...text].length === text.length
      ? text.split('')
      : Array.from({ length: text.length }, (_, i) => text[i]);
  const hide = (from, to) => {
    for (let i = from; i < to; i += 1) if (out[i] !== '\n') out[i] = ' ';
  };
  /** Depths of `{` inside template substitutions; the last is the innermost. */
  const templates = [];
  let i = 0;
  const template = () => {
    const from = i;
    while (i < text.length && text[i] !== '`') {
      if (text[i] === '\\') i += 1;
      else if (text[i] === '$' && text[i + 1] === '{') {
        hide(from, i);
        i += 2;
        templates.push(0);
        return;
      }
      i += 1;
    }
    i += 1;
    hide(from, i - 1);
  };
  while (i < text.length) {
    const two = text.slice(i, i + 2);
    const from = i;
    if (two === '//') {
      while (i < text.length && text[i] !== '\n') i += 1;
      hide(from, i);
    } else if (two === '/*') {
      const end = text.indexOf('*/', i + 2);
      i = end < 0 ? text.length : end + 2;
      hide(from, i);
    } else if (text[i] === "'" || text[i] === '"') {
      const quote = text[i];
      i += 1;
      while (i < text.length && text[i] !== quote && text[i] !== '\n') i += text[i] === '\\' ? 2 : 1;
      hide(from + 1, i);
      i += 1;
    } else if (text[i] === '`') {
      i += 1;
      template();
    } else if (text[i] === '/' && REGEX_MAY_FOLLOW.test(out.slice(Math.max(0, i - 40), i).join(''))) {
      i += 1;
      let inClass = false;
      while (i < text.length && text[i] !== '\n' && (inClass || text[i] !== '/')) {
        if (text[i] === '\\') i += 1;
        else if (text[i] === '[') inClass = true;
        else if (text[i] === ']') inClass = false;
        i += 1;
      }
      hide(from + 1, i);
      i += 1;
    } else {
      if (templates.length > 0) {
        if (text[i] === '{') templates[templates.length - 1] += 1;
        else if (text[i] === '}') {
          if (templates.at(-1) === 0) {
            templates.pop();
            i += 1;
            template();
            continue;
          }
          templates[templates.length - 1] -= 1;
        }
      }
      i += 1;
    }
  }
  return out.join('');
}

const STATIC = /^[ \t]*(import|export)\b(\s+type\b)?([^;'"`()]*?\bfrom\b)?\s*(['"])/gm;
const DYNAMIC = /\b(?:import|require)\s*\(\s*(['"])/g;

/** Every import of a module, in order; `code` is `codeOnly(text)`. @returns {Import[]} */
export function importsOf(text, code = codeOnly(text)) {
  const found = [];
  const at = (quoteIndex, kind) => {
    const end = text.indexOf(text[quoteIndex], quoteIndex + 1);
    if (end < 0) return;
    found.push({ specifier: text.slice(quoteIndex + 1, end), line: lineAt(text, quoteIndex), kind });
  };
  for (const match of code.matchAll(STATIC)) {
    if (match[1] === 'export' && !match[3]) continue;
    at(match.index + match[0].length - 1, match[2] || onlyTypes(match[3] ?? '') ? 'type' : 'static');
  }
  for (const match of code.matchAll(DYNAMIC)) {
    const before = code.slice(0, match.index);
    at(match.index + match[0].length - 1, /(?:typeof\s+|[:<|]\s*)$/.test(before) ? 'type' : 'dynamic');
  }
  return found.sort((a, b) => a.line - b.line);
}

/** `{ type A, type B } from`: nothing is left of it at run time. */
function onlyTypes(clause) {
  const names = /^\s*\{([^}]*)\}\s*from$/
    .exec(clause)?.[1]
    ?.split(',')
    .map((name) => name.trim());
  const given = names?.filter((name) => name !== '') ?? [];
  return given.length > 0 && given.every((name) => name.startsWith('type '));
}

/** The line of an offset, counted from 1. */
export function lineAt(text, offset) {
  let line = 1;
  for (let i = 0; i < offset; i += 1) if (text[i] === '\n') line += 1;
  return line;
}
