/** Which words of the recovery list a mistyped word may have been. Small on purpose: the engine takes no suggestion library. */

/** Two edits: beyond that almost every short word of the list is "close". */
const MAX_EDITS = 2;
const MAX_SUGGESTIONS = 3;
/** Four letters name a word of the BIP-39 list without doubt. */
const UNIQUE_PREFIX = 4;

/** At most three words of `list`, best first; none when nothing is near. */
export function closestWords(word: string, list: readonly string[]): string[] {
  const prefix = word.slice(0, UNIQUE_PREFIX);
  const byPrefix = prefix.length === UNIQUE_PREFIX ? list.filter((known) => known.startsWith(prefix)) : [];
  const byEdits = list
    .filter((known) => Math.abs(known.length - word.length) <= MAX_EDITS)
    .map((known) => ({ known, edits: editDistance(word, known) }))
    .filter(({ edits }) => edits <= MAX_EDITS)
    .sort((a, b) => a.edits - b.edits || Number(b.known[0] === word[0]) - Number(a.known[0] === word[0]))
    .map(({ known }) => known);
  return [...new Set([...byPrefix, ...byEdits])].slice(0, MAX_SUGGESTIONS);
}

/** Edits (insert, delete, replace, swap of neighbours) between two short words. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, beforeLast[column - 2]! + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
