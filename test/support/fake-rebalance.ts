import type { RebalanceReport } from '../../src/engine/views/rebalance.ts';
import { fakePeerId } from './fake-figures.ts';

const MIB = 1024 * 1024;

/** Of a pool of three to which a fourth node has come; one move failed. */
export function fakeRebalance(applied: boolean): RebalanceReport {
  const holder = (at: number, name: string | undefined, shards: number, after: number) => ({
    holder: fakePeerId(at),
    name,
    shards,
    bytes: shards * MIB,
    shardsAfter: after,
    bytesAfter: after * MIB,
    fairBytes: 30 * MIB,
  });
  return {
    applied,
    pool: 'default',
    objects: 20,
    tolerance: 0.1,
    farthest: 1,
    farthestAfter: 1 / 30,
    moves: 30,
    moveBytes: 30 * MIB,
    moved: applied ? 29 : 0,
    movedBytes: applied ? 29 * MIB : 0,
    failed: applied ? 1 : 0,
    skipped: 2,
    trafficBytes: applied ? 58 * MIB : 0,
    durationMs: 1234.5,
    holders: [
      holder(1, 'birch', 40, applied ? 31 : 30),
      holder(2, 'cedar', 40, 30),
      holder(3, undefined, 40, 30),
      holder(4, 'elm', 0, applied ? 29 : 30),
    ],
  };
}
