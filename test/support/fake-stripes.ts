/** Stripes and ids of the fake engine's objects. */
import { createHash } from 'node:crypto';
import type { CatalogTotals } from '../../src/engine/catalog/catalog.ts';
import type { ObjectView, PeerView, ShardView, StripeView } from '../../src/engine/engine.ts';
import type { CodeProfile, ShardId } from '../../src/engine/types.ts';
import { fakePeerId } from './fake-figures.ts';

export function stripeView(
  view: ObjectView,
  stripe: number,
  code: CodeProfile,
  peers: PeerView[],
): StripeView {
  const shards: ShardView[] = Array.from({ length: code.k + code.m }, (_, index) => ({
    index,
    shardId: hex(view.objectId, String(code.k), String(stripe), String(index)) as ShardId,
    kind: code.k === 1 ? 'replica' : index < code.k ? 'data' : 'parity',
    holder: peers[(stripe + index) % Math.max(1, peers.length)]?.peerId ?? fakePeerId(0),
    live: true,
  }));
  return { index: stripe, shardBytes: shardBytesOf(view, code), spare: code.m, shards };
}

export function shardBytesOf(view: ObjectView, code: CodeProfile): number {
  return Math.ceil((Math.min(view.sizeBytes, view.chunkBytes) + 16) / code.k / 128) * 128;
}

export function hex(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** What is stored of objects, each with all its versions. */
export function usageOf(objects: readonly (readonly ObjectView[])[]): CatalogTotals {
  const all = objects.flat();
  const sumOf = (of: (view: ObjectView) => number) => all.reduce((sum, it) => sum + of(it), 0);
  return {
    objects: objects.filter((versions) => versions.length > 0).length,
    versions: all.length,
    logicalBytes: sumOf((it) => it.sizeBytes),
    storedBytes: sumOf((it) => it.stripes * (it.code.k + it.code.m) * shardBytesOf(it, it.code)),
  };
}
