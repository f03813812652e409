import { createHash } from 'node:crypto';
import { deviceOfSeed } from '../../src/engine/keys/device.ts';
import type { Attester } from '../../src/engine/maintenance/proof/attestation.ts';

/** A node that signs what it proves; the same for the same name. */
export function attesterOf(name: string): Attester {
  const { peerId, sign } = deviceOfSeed(new Uint8Array(createHash('sha256').update(name).digest()));
  return { peerId, sign, now: () => 1_700_000_000_000 };
}
