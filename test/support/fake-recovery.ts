/** The recovery of the engine in memory: fixed figures but for the number of objects. */
import type { StoreStats } from '../../src/engine/engine.ts';
import type { OwnerId } from '../../src/engine/types.ts';
import type { RecoverQuery, RecoveryReport } from '../../src/engine/views/recovery.ts';

export const FAKE_MIRROR: StoreStats['mirror'] = {
  sequence: 12,
  writtenAtMs: Date.UTC(2026, 10, 21, 9, 59, 0),
  segments: 3,
  pendingChanges: 0,
  headHolders: 8,
  problem: undefined,
};

export function fakeRecovery(query: RecoverQuery | undefined, objects: number): RecoveryReport {
  const scan = query?.scan === true ? { asked: 18, named: objects, added: 0, missing: [] } : undefined;
  return {
    owner: 'ab'.repeat(32) as OwnerId,
    head: { sequence: 12, writtenAtMs: Date.UTC(2026, 10, 21, 9, 59, 0), agreed: 8, asked: 18, refused: 0 },
    segments: 3,
    missingSegments: [],
    scan,
    objects,
    versions: objects,
    logicalBytes: 1_000 * objects,
    pools: 1,
    added: objects,
    conflicts: [],
    durationMs: 2_345,
  };
}
