import type { Clock } from '../effects/clock.ts';
import type { ObjectId, ShardId } from '../types.ts';
import type { ObjectRouting } from './dht.ts';

/** Announcements waiting; a peer that asks for more is answered, and not served. */
const MAX_WAITING = 10_000;
/**
 * After each announcement a rest, this many times as long as it took: a record is a DHT query to twenty peers, and a mesh that takes in thousands
 * of small objects a second would do nothing else. The catalog names the holders anyway; the DHT is for whoever has no catalog.
 */
const REST_FACTOR = 9;
const MIN_REST_MS = 20;
/**
 * With more than this many waiting, so long for each node of the mesh, which makes one in two seconds of all nodes together: an announcement costs the mesh 14 ms
 * of processor time with six nodes and 130 with twelve, and two a second of each of twelve were half a processor for as long as any waited, so that repairs went
 * without it. It is no hurry: a reader that knows the members asks the object's custodians, or everybody.
 */
const FEW_WAITING = 16;
const MANY_REST_PER_NODE_MS = 2_000;
const MAX_REST_MS = 5_000;

export interface Announcer {
  announce(id: ObjectId): void;
  /** What is not held any more is announced no more, neither what waits nor what the DHT would repeat. Any shard may be named: most are no manifests, and were never announced. */
  withdraw(id: ShardId): void;
}

/** Publishes provider records in the background, one at a time, with at most a tenth of the time spent on it. @param nodes how many the mesh has */
export function announcer(
  routing: Pick<ObjectRouting, 'provide' | 'withdraw'>,
  clock: Clock,
  nodes: () => number,
): Announcer {
  const waiting = new Set<ObjectId>();
  let busy = false;
  const next = () => {
    const [id] = waiting;
    if (id === undefined) {
      busy = false;
      return;
    }
    busy = true;
    waiting.delete(id);
    const before = clock.monotonic();
    void routing.provide(id).finally(() => {
      const restMs = REST_FACTOR * (clock.monotonic() - before);
      const leastMs = waiting.size > FEW_WAITING ? MANY_REST_PER_NODE_MS * nodes() : MIN_REST_MS;
      clock.after(Math.max(leastMs, Math.min(MAX_REST_MS, restMs)), next);
    });
  };
  return {
    announce(id) {
      if (waiting.size >= MAX_WAITING) return;
      waiting.add(id);
      if (!busy) next();
    },
    withdraw(shard) {
      const id = shard as string as ObjectId;
      waiting.delete(id);
      void routing.withdraw(id);
    },
  };
}
