/** The zones and racks that peers say they stand in, as arguments for commands that take places. */
import type { PeerView } from '../../engine/engine.ts';
import type { Suggestion } from '../../lang/complete.ts';

export function placesOf(peers: readonly PeerView[]): Suggestion[] {
  const counts = new Map<string, number>();
  const add = (value: string) => counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const { zone, rack } of peers) {
    if (zone !== undefined) add(`zone:${zone}`);
    if (rack !== undefined) add(zone === undefined ? `rack:${rack}` : `rack:${zone}/${rack}`);
  }
  return [...counts].sort().map(([value, count]) => ({
    value,
    summary: count === 1 ? '1 peer' : `${count} peers`,
  }));
}
