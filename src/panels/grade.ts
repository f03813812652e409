/** How well objects are, with the glyph and tone that say it. */
import type { HealthReport } from '../engine/engine.ts';
import type { Tone } from './cells.ts';
import type { Glyphs } from './theme.ts';

export type HealthGrade = 'ok' | 'degraded' | 'critical' | 'lost';
export const GRADE_TONE: Readonly<Record<HealthGrade, Tone>> = {
  ok: 'ok',
  degraded: 'warn',
  critical: 'bad',
  lost: 'bad',
};

export function gradeMark(grade: HealthGrade, glyphs: Glyphs): string {
  return grade === 'ok' ? glyphs.ok : grade === 'degraded' ? glyphs.warn : glyphs.bad;
}

export function gradeOf(report: HealthReport): HealthGrade {
  if (report.lost > 0) return 'lost';
  if (report.critical > 0) return 'critical';
  return report.degraded > 0 ? 'degraded' : 'ok';
}

/** Live shards of those expected; undefined when nothing is stored. */
export function liveShare(report: HealthReport): number | undefined {
  return report.shardsExpected === 0 ? undefined : report.shardsLive / report.shardsExpected;
}
