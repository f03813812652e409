/** Names near a mistyped one: the nearest, at most three when they are equally near. */
import { distance } from 'fastest-levenshtein';

/** One edit in up to four letters, two in up to seven, three beyond: measured not to suggest what is merely short. */
function allowedEdits(length: number): number {
  if (length <= 4) return 1;
  return length <= 7 ? 2 : 3;
}

export function suggest(name: string, known: readonly string[]): string[] {
  const wanted = name.toLowerCase();
  // "quotaBytes" for "storage.quotaBytes": the last part alone is a good guess too.
  const scored = known.map((candidate) => {
    const lower = candidate.toLowerCase();
    const last = lower.slice(lower.lastIndexOf('.') + 1);
    const prefix = wanted.length >= 2 && (lower.startsWith(wanted) || last.startsWith(wanted));
    return { candidate, edits: prefix ? 0 : Math.min(distance(wanted, lower), distance(wanted, last)) };
  });
  const best = Math.min(...scored.map(({ edits }) => edits));
  return scored
    .filter(({ edits }) => edits === best && edits <= allowedEdits(wanted.length))
    .sort((a, b) => a.edits - b.edits || a.candidate.localeCompare(b.candidate, 'en'))
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** `(did you mean a or b?)` or an empty text. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = suggest(name, known);
  return near.length === 0 ? '' : `did you mean ${near.join(' or ')}?`;
}
