/**
 * "Did you mean": the names nearest to what was typed. Rule and limits were measured on the command table
 * (test/config/suggest.test.ts measures them again): of all single-edit typos the right name is among the three offered
 * in ≥ 99 %, while random words are offered something in ≤ 2 %.
 */
import { distance } from 'fastest-levenshtein';

export const MAX_SUGGESTIONS = 3;
/** Longer words are no typos of a command; the bound keeps hostile input cheap. */
const MAX_WORD = 64;

/** Levenshtein distance with a swap of two neighbours counted as one edit. */
export function editDistance(a: string, b: string): number {
  const plain = distance(a, b);
  if (plain < 2) return plain;
  // A swap costs plain Levenshtein two edits. Undoing one swap at a time and measuring again finds the cheaper way.
  let best = plain;
  for (let i = 0; i + 1 < a.length; i++) {
    if (a[i] === a[i + 1]) continue;
    const swapped = a.slice(0, i) + a[i + 1] + a[i] + a.slice(i + 2);
    best = Math.min(best, 1 + distance(swapped, b));
  }
  return best;
}

function limitFor(typed: string, candidate: string): number {
  const byLength = typed.length <= 4 ? 1 : typed.length <= 7 ? 2 : 3;
  return Math.min(byLength, Math.floor((2 / 3) * Math.min(typed.length, candidate.length)));
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

export interface Candidate {
  /** What is compared with the typed word. */
  match: string;
  /** What is offered; a synonym offers itself. */
  offer: string;
}

/** At most `MAX_SUGGESTIONS` of `candidates`, best first. Comparison ignores case. */
export function suggest(typed: string, candidates: readonly (string | Candidate)[]): string[] {
  const word = typed.toLowerCase();
  if (word.length === 0 || word.length > MAX_WORD) return [];
  const ranked: { offer: string; rank: number[] }[] = [];
  const prefixed = candidates.filter((c) => word.length >= 2 && matchOf(c).startsWith(word));
  for (const candidate of candidates) {
    const match = matchOf(candidate);
    const offer = typeof candidate === 'string' ? candidate : candidate.offer;
    const uniquePrefix = prefixed.length === 1 && prefixed[0] === candidate;
    if (!uniquePrefix) {
      if (word.length <= 2 && word[0] !== match[0]) continue;
      if (Math.abs(match.length - word.length) > 3) continue;
    }
    const edits = uniquePrefix ? 0 : editDistance(word, match);
    if (!uniquePrefix && edits > Math.max(limitFor(word, match), singleEditFloor(word, match, edits)))
      continue;
    ranked.push({
      offer,
      rank: [
        edits,
        word[0] === match[0] ? 0 : 1,
        -commonPrefix(word, match),
        Math.abs(match.length - word.length),
      ],
    });
  }
  ranked.sort((a, b) => {
    for (let i = 0; i < a.rank.length; i++) {
      const difference = (a.rank[i] ?? 0) - (b.rank[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return a.offer < b.offer ? -1 : 1;
  });
  return [...new Set(ranked.map((entry) => entry.offer))].slice(0, MAX_SUGGESTIONS);
}

function matchOf(candidate: string | Candidate): string {
  return (typeof candidate === 'string' ? candidate : candidate.match).toLowerCase();
}

/** One edit from a one-letter slip of a short name (`pt` for `put`) is still a typo when the first letters agree. */
function singleEditFloor(word: string, match: string, edits: number): number {
  return edits === 1 && word[0] === match[0] ? 1 : 0;
}

/**
 * The names nearest to a dotted one, more than one only when they are equally near: keys of one group share most of their
 * letters. "quotaBytes" alone is as good a try at "storage.quotaBytes" as the whole.
 */
export function suggestKey(typed: string, keys: readonly string[]): string[] {
  const last = (key: string) => key.slice(key.lastIndexOf('.') + 1);
  const found = suggest(
    typed,
    keys.flatMap((key) => [key, { match: last(key), offer: key }]),
  );
  const word = typed.toLowerCase();
  const edits = found.map((key) =>
    Math.min(editDistance(word, key.toLowerCase()), editDistance(word, last(key).toLowerCase())),
  );
  return found.filter((_, at) => edits[at] === Math.min(...edits));
}

/** `did you mean a or b?`, or an empty text. */
export function didYouMean(typed: string, keys: readonly string[]): string {
  const near = suggestKey(typed, keys);
  return near.length === 0 ? '' : `did you mean ${near.join(' or ')}?`;
}
