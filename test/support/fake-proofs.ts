import type { HealthReport, ObjectView } from '../../src/engine/engine.ts';
import type { ProofFile, VerifyReport } from '../../src/engine/proof-views.ts';

export function fakeVerify(health: HealthReport, deep: boolean, bytes: number): VerifyReport {
  const { objects } = health;
  return {
    health: { ...health, depth: 'proved' },
    failed: [],
    deep: deep ? { objects, bytes, unreadable: 0, worst: [] } : undefined,
  };
}

export function fakeProof(object: ObjectView, file: Uint8Array): ProofFile {
  return {
    object,
    body: (async function* () {
      yield file;
    })(),
  };
}
