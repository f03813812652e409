/** An object on nodes in memory and the proof file of it, made as the engine makes one. */
import { randomBytes } from 'node:crypto';
import { blake3 } from '../../src/engine/codec/hash.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { askHolders } from '../../src/engine/maintenance/census-ask.ts';
import { censusGroups } from '../../src/engine/maintenance/groups.ts';
import { proofHead, proofLine } from '../../src/engine/maintenance/proof/document.ts';
import { fetchManifest } from '../../src/engine/transfer/get.ts';
import { storeObject } from '../../src/engine/transfer/put.ts';
import { manifestShardId, type ObjectId } from '../../src/engine/types.ts';
import { bytesOf, type MemoryMesh } from './memory-mesh.ts';

const NEVER = new AbortController().signal;

export interface StoredProof {
  objectId: ObjectId;
  manifest: Uint8Array;
  /** Head first, then one of each holder. */
  lines: string[];
}

export async function storedProof(mesh: MemoryMesh, sizeBytes: number): Promise<StoredProof> {
  const content = randomBytes(sizeBytes);
  const stored = await storeObject(bytesOf(content), { name: 'o' }, mesh.putContext(), {});
  return await proofOf(mesh, stored.objectId, stored.manifestHolders);
}

export async function proofOf(
  mesh: MemoryMesh,
  objectId: ObjectId,
  holders: Parameters<typeof censusGroups>[1],
): Promise<StoredProof> {
  const decoded = await fetchManifest(objectId, holders, 'o', mesh.getContext(), NEVER);
  const id = manifestShardId(objectId);
  const manifest = mesh.nodes.map(({ shards }) => shards.get(id)?.bytes).find((it) => it !== undefined)!;
  if (Buffer.from(blake3(manifest)).toString('hex') !== objectId) throw new Error('no manifest');
  const lines = [proofHead(objectId, manifest)];
  await askHolders(
    [{ objectId, groups: censusGroups(objectId, holders, decoded) }],
    {
      clock: realClock(),
      random: realRandom(),
      backend: (peer) => mesh.backend(peer),
      timeoutMs: 1000,
      signal: NEVER,
      depth: 'proved',
      onAttestation(attestation, ids, nonce, verdicts) {
        if (!verdicts.includes('wrong')) lines.push(proofLine(attestation, ids, nonce));
      },
    },
    new Set(),
  );
  return { objectId, manifest, lines };
}
