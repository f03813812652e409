/** Ctrl-R: fuzzy search over the history, this session's lines first. */
import type { HistoryEntry } from './history.ts';

export type SearchScope = 'session' | 'all';

const MAX_HITS = 200;

/** Commands that contain `query`, else all its letters in order; best first, newest first among equals; each command once. */
export function searchHistory(
  entries: readonly HistoryEntry[],
  query: string,
  session: string,
  scope: SearchScope,
): string[] {
  const wanted = query.toLowerCase();
  const seen = new Set<string>();
  const hits: { cmd: string; rank: number; age: number }[] = [];
  for (let at = entries.length - 1; at >= 0; at--) {
    const entry = entries[at];
    if (entry === undefined || seen.has(entry.cmd)) continue;
    if (scope === 'session' && entry.session !== session) continue;
    const rank = rankOf(entry.cmd.toLowerCase(), wanted);
    if (rank === undefined) continue;
    seen.add(entry.cmd);
    hits.push({
      cmd: entry.cmd,
      rank: rank * 2 + (entry.session === session ? 0 : 1),
      age: entries.length - at,
    });
  }
  hits.sort((a, b) => a.rank - b.rank || a.age - b.age);
  return hits.slice(0, MAX_HITS).map((hit) => hit.cmd);
}

/** 0: begins with it, 1: contains it, 2: has its letters in order. */
function rankOf(text: string, query: string): number | undefined {
  if (query === '' || text.startsWith(query)) return 0;
  if (text.includes(query)) return 1;
  let from = 0;
  for (const letter of query) {
    const found = text.indexOf(letter, from);
    if (found < 0) return undefined;
    from = found + letter.length;
  }
  return 2;
}

/** Newest remembered line that goes on from `typed`, for the ghost text; undefined when none does. */
export function continuation(entries: readonly HistoryEntry[], typed: string): string | undefined {
  if (typed.trim() === '') return undefined;
  for (let at = entries.length - 1; at >= 0; at--) {
    const cmd = entries[at]?.cmd;
    if (cmd?.startsWith(typed) && cmd.length > typed.length && !cmd.includes('\n')) return cmd;
  }
  return undefined;
}
