/**
 * Patterns of what is left out, as in a .gitignore: `*` and `?` within a name, `[a-z]`, a part of `**` for any folders, a slash at the begin or in the middle ties the pattern
 * to the root, a slash at the end means folders alone, `!` takes back. The last pattern that fits decides. Matching is by hand and its time bounded by
 * pattern times name: a pattern comes from files that anybody may write.
 */
import { DatameshError } from '../../errors.ts';

export interface Exclusion {
  /** Nothing is ever left out. */
  isEmpty: boolean;
  /** @param path relative to the root, parts joined by `/` */
  excludes(path: string, isFolder: boolean): boolean;
  /** Whether a walk does not come to this file: it is left out, or a folder above it is. */
  hides(path: string): boolean;
}

interface Rule {
  parts: readonly string[];
  foldersOnly: boolean;
  takesBack: boolean;
}

export const MAX_PATTERNS = 10_000;
export const MAX_PATTERN_CHARACTERS = 4096;

/** Empty lines and those that begin with `#` mean nothing. Throws `bad-value`. */
export function exclusion(patterns: readonly string[]): Exclusion {
  if (patterns.length > MAX_PATTERNS)
    throw new DatameshError('bad-value', { what: `${patterns.length} patterns are too many` });
  const rules = patterns.flatMap((pattern) => ruleOf(pattern) ?? []);
  const excludes = (names: readonly string[], isFolder: boolean) => {
    for (let at = rules.length - 1; at >= 0; at--) {
      const rule = rules[at]!;
      if (rule.foldersOnly && !isFolder) continue;
      if (matchParts(rule.parts, names)) return !rule.takesBack;
    }
    return false;
  };
  return {
    isEmpty: rules.length === 0,
    excludes: (path, isFolder) => excludes(path.split('/'), isFolder),
    hides(path) {
      const names = path.split('/');
      return names.some((_, i) => excludes(names.slice(0, i + 1), i + 1 < names.length));
    },
  };
}

function ruleOf(given: string): Rule | undefined {
  if (given.length > MAX_PATTERN_CHARACTERS)
    throw new DatameshError('bad-value', { what: `a pattern of ${given.length} characters is too long` });
  let pattern = given.replace(/\r$/, '').replace(/(?<!\\)\s+$/, '');
  if (pattern === '' || pattern.startsWith('#')) return undefined;
  const takesBack = pattern.startsWith('!');
  if (takesBack) pattern = pattern.slice(1);
  const foldersOnly = pattern.endsWith('/');
  if (foldersOnly) pattern = pattern.slice(0, -1);
  const tied = pattern.includes('/');
  if (pattern.startsWith('/')) pattern = pattern.slice(1);
  if (pattern === '') return undefined;
  const parts = pattern.split('/');
  // All that is in a folder is not the folder.
  if (tied && parts.at(-1) === '**') parts.push('*');
  return { parts: tied ? parts : ['**', ...parts], foldersOnly, takesBack };
}

/** Two pointers and a way back to the last `**`: at most parts × names steps. */
function matchParts(parts: readonly string[], names: readonly string[]): boolean {
  let part = 0;
  let name = 0;
  let starPart = -1;
  let starName = 0;
  while (name < names.length) {
    if (parts[part] === '**') {
      starPart = part++;
      starName = name;
    } else if (part < parts.length && matchName(parts[part]!, names[name]!)) {
      part++;
      name++;
    } else if (starPart >= 0) {
      part = starPart + 1;
      name = ++starName;
    } else {
      return false;
    }
  }
  while (parts[part] === '**') part++;
  return part === parts.length;
}

/** The same for `*` within a name. */
export function matchName(pattern: string, name: string): boolean {
  let at = 0;
  let to = 0;
  let starAt = -1;
  let starTo = 0;
  while (to < name.length) {
    const width = at < pattern.length ? matchOne(pattern, at, name[to]!) : 0;
    if (pattern[at] === '*') {
      starAt = at++;
      starTo = to;
    } else if (width > 0) {
      at += width;
      to++;
    } else if (starAt >= 0) {
      at = starAt + 1;
      to = ++starTo;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** Characters of the pattern that stand for this one; 0 when they do not. */
function matchOne(pattern: string, at: number, character: string): number {
  const own = pattern[at]!;
  if (own === '?') return 1;
  if (own === '\\' && at + 1 < pattern.length) return pattern[at + 1] === character ? 2 : 0;
  if (own !== '[') return own === character ? 1 : 0;
  const close = pattern.indexOf(']', at + 2);
  if (close < 0) return character === '[' ? 1 : 0;
  let set = pattern.slice(at + 1, close);
  const negated = set[0] === '!' || set[0] === '^';
  if (negated) set = set.slice(1);
  let inside = false;
  for (let i = 0; i < set.length; i++) {
    if (set[i + 1] === '-' && i + 2 < set.length) {
      if (character >= set[i]! && character <= set[i + 2]!) inside = true;
      i += 2;
    } else if (set[i] === character) inside = true;
  }
  return inside === negated ? 0 : close - at + 1;
}
