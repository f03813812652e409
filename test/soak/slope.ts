/** Theil–Sen: the median of the slopes of all pairs of points, which a burst or a collection here and there does not move (Sen 1968, J. Am. Stat. Assoc. 63:1379). */

/** Pairs grow with the square; more points than this are thinned out evenly. */
const MAX_POINTS = 600;
/** Normal quantile of 95 %, two-sided. */
const Z = 1.96;

/** Slope and its 95 % band, from the variance of Kendall's tau without ties. Points do not depend on each other only if they are far apart, so the band is rather too narrow. */
export function theilSen(points: readonly (readonly [x: number, y: number])[]): {
  slope: number;
  low: number;
  high: number;
} {
  const step = Math.ceil(points.length / MAX_POINTS);
  const chosen = points.filter((_, i) => i % step === 0);
  const n = chosen.length;
  if (n < 3) return { slope: 0, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const slopes: number[] = [];
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) {
      const [[x1, y1], [x2, y2]] = [chosen[i]!, chosen[j]!];
      if (x2 !== x1) slopes.push((y2 - y1) / (x2 - x1));
    }
  slopes.sort((a, b) => a - b);
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank: number) => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(rank)))]!;
  return {
    slope: at((slopes.length - 1) / 2),
    low: at((slopes.length - spread) / 2),
    high: at((slopes.length + spread) / 2),
  };
}
