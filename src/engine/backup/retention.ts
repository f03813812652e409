/** Which snapshots a rule keeps: for each period that has some, the newest, for as many periods as the rule says, from the newest on. Pure. */
import type { KeepRule } from '../views/backups.ts';

export interface Dated {
  id: string;
  takenAtMs: number;
  /** The node that took it, and of which folder. */
  device: string;
  source: string;
}

const PERIODS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

/** Why each is kept, by id; none: it goes. Each folder of each node is looked at alone: two machines may both have a /home. Periods are of UTC; a week begins on Monday. */
export function keptBy(rule: KeepRule, snapshots: readonly Dated[]): Map<string, string[]> {
  const reasons = new Map<string, string[]>();
  const folders = Map.groupBy(snapshots, ({ device, source }) => `${device} ${source}`);
  for (const folder of folders.values()) {
    const own = folder.toSorted((a, b) => b.takenAtMs - a.takenAtMs || (a.id < b.id ? -1 : 1));
    for (const period of PERIODS) {
      let left = rule[period] ?? 0;
      let before: string | undefined;
      for (const { id, takenAtMs } of own) {
        if (left === 0) break;
        const key = period === 'last' ? id : periodOf(takenAtMs, period);
        if (key === before) continue;
        before = key;
        left--;
        reasons.set(id, [...(reasons.get(id) ?? []), period]);
      }
    }
  }
  return reasons;
}

function periodOf(atMs: number, period: Exclude<(typeof PERIODS)[number], 'last'>): string {
  const text = new Date(atMs).toISOString();
  switch (period) {
    case 'hourly':
      return text.slice(0, 13);
    case 'daily':
      return text.slice(0, 10);
    case 'weekly':
      return String(Math.floor((Math.floor(atMs / DAY_MS) + MONDAY_SHIFT_DAYS) / 7));
    case 'monthly':
      return text.slice(0, 7);
    case 'yearly':
      return text.slice(0, 4);
  }
}

const DAY_MS = 86_400_000;
/** 1 January 1970 was a Thursday. */
const MONDAY_SHIFT_DAYS = 3;
