import type { Engine, HealthReport, ObjectView } from '../../src/engine/engine.ts';
import type { ProofFile, VerifyReport } from '../../src/engine/views/proofs.ts';
import { cleanupReport, drainView, fakeRepair } from './fake-figures.ts';
import { fakeRebalance } from './fake-rebalance.ts';

function fakeVerify(health: HealthReport, deep: boolean, bytes: number): VerifyReport {
  const { objects } = health;
  return {
    health: { ...health, depth: 'proved' },
    failed: [],
    deep: deep ? { objects, bytes, unreadable: 0, worst: [] } : undefined,
  };
}

function fakeProof(object: ObjectView, file: Uint8Array): ProofFile {
  return {
    object,
    body: (async function* () {
      yield file;
    })(),
  };
}

/** What a fake engine does of verify, prove and repair. */
export function fakeCare(
  enter: (
    method: 'verify' | 'prove' | 'repair' | 'cleanup' | 'drain' | 'rebalance',
    signal?: AbortSignal,
  ) => Promise<void>,
  find: (ref: string) => ObjectView,
  health: () => HealthReport,
  proof: Uint8Array = new Uint8Array(),
): Pick<Engine, 'verify' | 'prove' | 'repair' | 'cleanup' | 'drain' | 'rebalance'> {
  return {
    async verify({ ref, deep }, call) {
      await enter('verify', call?.signal);
      if (ref !== undefined) find(ref);
      return fakeVerify(health(), deep === true, 1000);
    },
    async cleanup(query, call) {
      await enter('cleanup', call?.signal);
      return cleanupReport(query);
    },
    async drain({ action }, call) {
      await enter('drain', call?.signal);
      return drainView(action);
    },
    async rebalance({ apply }, call) {
      await enter('rebalance', call?.signal);
      return fakeRebalance(apply === true);
    },
    async repair({ ref, apply }, call) {
      await enter('repair', call?.signal);
      if (ref !== undefined) find(ref);
      return fakeRepair(apply === true);
    },
    async prove(ref, call) {
      await enter('prove', call?.signal);
      return fakeProof(find(ref), proof);
    },
  };
}
