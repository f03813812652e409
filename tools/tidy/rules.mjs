/** The tidy rules: pure functions of a map path → text. Each finding names file, line, rule and what to do. */
import { posix } from 'node:path';
import {
  DEFAULT_EXPORT_ALLOWED,
  EFFECT_CALLS,
  EFFECT_EXCEPTIONS,
  EFFECT_MODULES,
  ENGINE_PARTS,
  HEAVY_PACKAGES,
  LAUNCHERS,
  LAYERS,
  LIGHT_ROOTS,
  MAX_LINES,
  TYPE_LAYERS,
  UI_FOLDERS,
  UI_PACKAGES,
  WARN_LINES,
} from './layers.mjs';
import { codeOnly, importsOf, lineAt } from './scan.mjs';

const SOURCE = /\.(?:ts|tsx|mts|mjs|js)$|^bin\/[^.]+$/;
const GENERATED = /(?:^|\/)generated\//;
// Written in two halves, so that this file does not trip over itself.
const UNFINISHED = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`, 'g');
const WORKPLACE = new RegExp(`(?<![\\w.~-])/(?:${'wo' + 'rk'}|${'tmp/br' + 'ief'})(?:/|\\.md)`, 'g');

/**
 * @typedef {{ file: string, line: number, rule: string, text: string, level: 'error' | 'warning' }} Finding
 * @param {ReadonlyMap<string, string>} files path from the repository root → text
 * @param {{ exceptions?: { path: string, effects: string[], reason: string }[] }} [options]
 * @returns {Finding[]}
 */
export function tidy(files, options = {}) {
  const findings = [];
  const report = (file, line, rule, text, level = 'error') =>
    findings.push({ file, line, rule, text, level });
  const sources = new Map();
  for (const [path, text] of files) {
    if (!SOURCE.test(path)) continue;
    const code = codeOnly(text);
    sources.set(path, { text, code, imports: importsOf(text, code) });
  }
  for (const [path, source] of sources) {
    direction(path, source, report);
    ui(path, source, report);
    shape(path, source, report);
  }
  effects(sources, options.exceptions ?? EFFECT_EXCEPTIONS, report);
  light(sources, report);
  for (const [path, text] of files) texts(path, text, report);
  return findings.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
}

/** src/engine/x.ts → engine; src/errors.ts → errors; outside src → undefined. */
function layerOf(path) {
  return /^src\/([^/.]+)/.exec(path)?.[1];
}

function resolve(path, specifier) {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined;
}

function packageOf(specifier) {
  return specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0];
}

function direction(path, { imports }, report) {
  const layer = layerOf(path);
  if (layer === undefined) return;
  const allowed = LAYERS[layer];
  if (allowed === undefined) {
    report(path, 1, 'direction', `src/${layer} is not in the house's plan (tools/tidy/layers.mjs)`);
    return;
  }
  for (const { specifier, line, kind } of imports) {
    const target = resolve(path, specifier);
    if (target === undefined) continue;
    if (!/\.(?:ts|tsx|json|js|mjs)$/.test(target)) {
      report(path, line, 'extension', `import "${specifier}" with its .ts or .tsx extension`);
    }
    const to = layerOf(target);
    if (to === undefined) {
      if (!target.endsWith('.json')) report(path, line, 'direction', `src must not import ${target}`);
    } else if (to !== layer) {
      const lawful =
        allowed.includes(to) ||
        (kind === 'type' && TYPE_LAYERS[layer]?.includes(to)) ||
        (kind === 'dynamic' &&
          Object.entries(LAUNCHERS).some(([from, tos]) => path.startsWith(from) && tos.includes(to)));
      if (!lawful) report(path, line, 'direction', `${layer} must not import ${to} (${specifier})`);
    } else if (layer === 'engine') {
      const part = /^src\/engine\/([^/]+)\//.exec(path)?.[1];
      const toPart = /^src\/engine\/([^/]+)\//.exec(target)?.[1];
      if (kind !== 'type' && part && toPart && ENGINE_PARTS[part]?.includes(toPart)) {
        report(path, line, 'direction', `engine/${part} must not import engine/${toPart} (${specifier})`);
      }
    }
  }
}

function ui(path, { imports }, report) {
  if (!path.startsWith('src/') || UI_FOLDERS.test(path)) return;
  for (const { specifier, line, kind } of imports) {
    if (UI_PACKAGES.includes(packageOf(specifier)) && kind !== 'type') {
      report(path, line, 'ui', `only */ui/, panels/views/ and console/ import ${specifier}`);
    }
  }
}

/** No default exports, and files that can be read in one sitting. */
function shape(path, { text, code }, report) {
  if (GENERATED.test(path)) return;
  if (!DEFAULT_EXPORT_ALLOWED.includes(path)) {
    for (const match of code.matchAll(/\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/g)) {
      report(path, lineAt(code, match.index), 'default-export', 'export it by name');
    }
  }
  if (path.startsWith('src/')) {
    for (const match of code.matchAll(/\bmkdir(?:Sync)?\([^;]*?\brecursive\s*:\s*true/g)) {
      const instead = 'it never ends under /proc: makeDirs of engine/effects/make-dirs.ts does';
      report(path, lineAt(code, match.index), 'mkdir', instead);
    }
  }
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (lines > MAX_LINES) report(path, lines, 'length', `${lines} lines, over ${MAX_LINES}: split it by job`);
  else if (lines > WARN_LINES)
    report(path, lines, 'length', `${lines} lines, nearing ${MAX_LINES}`, 'warning');
}

function effects(sources, exceptions, report) {
  const used = new Set();
  for (const [path, { code, imports }] of sources) {
    if (!path.startsWith('src/engine/') || path.startsWith('src/engine/effects/')) continue;
    const excused = (what) => {
      const hit = exceptions.find((it) => path.startsWith(it.path) && it.effects.includes(what));
      if (hit) used.add(`${hit.path} ${what}`);
      return hit !== undefined;
    };
    for (const { specifier, line, kind } of imports) {
      if (kind === 'type' || !EFFECT_MODULES.test(specifier)) continue;
      const name = specifier.startsWith('node:') ? specifier : `node:${specifier}`;
      if (!excused(name))
        report(path, line, 'effects', `takes ${name} itself; use an interface of engine/effects`);
    }
    for (const { what, pattern } of EFFECT_CALLS) {
      for (const match of code.matchAll(pattern)) {
        if (excused(what)) continue;
        const text = `${match[0].trim()} is an effect (${what}); take Clock or Random from engine/effects`;
        report(path, lineAt(code, match.index), 'effects', text);
      }
    }
  }
  for (const it of exceptions) {
    for (const what of it.effects) {
      if (!used.has(`${it.path} ${what}`)) {
        report(
          'tools/tidy/layers.mjs',
          1,
          'effects',
          `the exception of ${it.path} for ${what} is not used: remove it`,
        );
      }
    }
  }
}

/** One-shot commands start fast: nothing they import statically, however far down, may reach a heavy package. */
function light(sources, report) {
  for (const root of [...sources.keys()].filter((path) => LIGHT_ROOTS.test(path) && !UI_FOLDERS.test(path))) {
    const seen = new Set([root]);
    const queue = [[root]];
    while (queue.length > 0) {
      const chain = queue.shift();
      for (const { specifier, line, kind } of sources.get(chain.at(-1)).imports) {
        if (kind !== 'static') continue;
        const target = resolve(chain.at(-1), specifier);
        if (target === undefined) {
          if (!HEAVY_PACKAGES.test(packageOf(specifier))) continue;
          const way = chain.length === 1 ? '' : ` by way of ${chain.slice(1).join(' → ')}`;
          report(
            root,
            chain.length === 1 ? line : 1,
            'light',
            `loads ${specifier}${way}; use await import()`,
          );
        } else if (sources.has(target) && !seen.has(target)) {
          seen.add(target);
          queue.push([...chain, target]);
        }
      }
    }
  }
}

function texts(path, text, report) {
  if (path === 'package-lock.json') {
    for (const match of text.matchAll(/"resolved":\s*"(?!file:)[^"]*"/g)) {
      report(
        path,
        lineAt(text, match.index),
        'lockfile',
        'names a registry address; .npmrc omits them: npm install again',
      );
      break;
    }
    return;
  }
  if (GENERATED.test(path)) return;
  for (const match of text.matchAll(UNFINISHED)) {
    report(path, lineAt(text, match.index), 'unfinished', `"${match[0]}": finish it or file an issue`);
  }
  for (const match of text.matchAll(WORKPLACE)) {
    report(path, lineAt(text, match.index), 'workplace', `"${match[0]}…" is a path of one machine`);
  }
}
