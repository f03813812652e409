/** How well `typed` leads to `candidate`: smaller is better, undefined is not at all. A prefix beats everything else. */
export function fuzzyScore(typed: string, candidate: string): number | undefined {
  if (candidate.startsWith(typed)) return 0;
  const needle = typed.toLowerCase();
  const hay = candidate.toLowerCase();
  if (hay.startsWith(needle)) return 1;
  let best: number | undefined;
  for (
    let start = hay.indexOf(needle[0] as string);
    start >= 0;
    start = hay.indexOf(needle[0] as string, start + 1)
  ) {
    // The first letter begins a part of the name: `rep` finds work/report, and `ork` does not find work.
    if (start > 0 && !/[^a-z0-9]/.test(hay[start - 1] as string)) continue;
    const gaps = gapsFrom(needle, hay, start);
    if (gaps !== undefined && (best === undefined || gaps < best)) best = gaps;
  }
  return best === undefined ? undefined : 2 + best;
}

/** Letters skipped when `needle` is read as a subsequence of `hay` from `start` on. */
function gapsFrom(needle: string, hay: string, start: number): number | undefined {
  let at = start - 1;
  let gaps = 0;
  for (const char of needle) {
    const next = hay.indexOf(char, at + 1);
    if (next < 0) return undefined;
    gaps += next - at - 1;
    at = next;
  }
  return gaps;
}
