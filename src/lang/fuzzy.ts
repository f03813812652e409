/** How well `typed` leads to `candidate`: smaller is better, undefined is not at all. A prefix beats everything else. */
export function fuzzyScore(typed: string, candidate: string): number | undefined {
  if (candidate.startsWith(typed)) return 0;
  const needle = typed.toLowerCase();
  const hay = candidate.toLowerCase();
  if (hay.startsWith(needle)) return 1;
  // A subsequence whose first letter begins a part of the name; its gaps are the score.
  let at = -1;
  let gaps = 0;
  for (const char of needle) {
    const next = hay.indexOf(char, at + 1);
    if (next < 0) return undefined;
    if (at < 0 && next > 0 && !/[^a-z0-9]/.test(hay[next - 1] as string)) return undefined;
    gaps += next - at - 1;
    at = next;
  }
  return 2 + gaps;
}
