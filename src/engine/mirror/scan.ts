/**
 * The catalog without its mirror: custodians name the owner's objects, their manifests tell name, size, hash and tags as they were when the object was put. What happened to
 * names and tags later, pools, and which version was current (but by time) stands nowhere but in the catalog.
 */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { EntryRecord } from '../catalog/mirror/records.ts';
import { SEGMENT_MIME_TYPE } from '../catalog/mirror/segment.ts';
import { NO_STAMP, nextStamp } from '../catalog/mirror/stamp.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { ObjectView } from '../engine.ts';
import { orderedWindow } from '../transfer/window.ts';
import type { ObjectId, OwnerId, PeerId } from '../types.ts';
import type { ScanView } from '../views/recovery.ts';
import { type HeadsContext, ordersAt } from './heads.ts';

export interface ScanContext {
  heads: HeadsContext;
  owner: OwnerId;
  /** Nodes to ask. */
  peers: readonly PeerId[];
  known(id: ObjectId): boolean;
  /** Those for which the node shows an order that the owner has signed. */
  shown(peer: PeerId, ids: readonly ObjectId[]): Promise<ObjectId[]>;
  /** Which nodes have each object's manifest now. */
  holders(ids: readonly ObjectId[]): Promise<Map<ObjectId, PeerId[]>>;
  open(
    id: ObjectId,
    holders: readonly PeerId[],
  ): Promise<{ manifest: Manifest; view: ObjectView; bytes: number }>;
  signal: AbortSignal;
}

/** Manifests fetched at once. */
const WINDOW = 16;

/** Objects found, oldest first, as entries; each name's versions are numbered by time. */
export async function scanObjects(context: ScanContext): Promise<ScanView & { records: EntryRecord[] }> {
  const { heads, owner, peers, known, signal } = context;
  const ids = new Set<ObjectId>();
  let asked = 0;
  await Promise.all(
    peers.map(async (peer) => {
      try {
        for await (const page of ordersAt(heads, peer, owner, signal)) {
          const told = page.filter((id) => !known(id) && !ids.has(id));
          const shown = told.length === 0 ? [] : await context.shown(peer, told);
          // Ids are easily made up, and each would be looked for everywhere.
          if (shown.length === 0 && told.length > 0)
            throw new DatameshError('not-authentic', {
              what: 'it names objects and shows no order for them',
            });
          for (const id of [...page.filter(known), ...shown]) ids.add(id);
        }
        asked++;
      } catch (error) {
        signal.throwIfAborted();
        heads.log(`scan: ${peer.slice(-8)}: ${asDatameshError(error).message}`);
      }
    }),
  );
  const wanted = [...ids].filter((id) => !known(id)).sort();
  const holders = await context.holders(wanted);
  const missing: ObjectId[] = [];
  const found: { id: ObjectId; holders: PeerId[]; view: ObjectView; storedBytes: number }[] = [];
  const openOne = async (id: ObjectId) => {
    const noted = holders.get(id) ?? [];
    try {
      const { manifest, view, bytes } = await context.open(id, noted);
      if (view.mimeType === SEGMENT_MIME_TYPE) return;
      if (manifest.ownerId !== owner) {
        missing.push(id);
        return;
      }
      const { k, m } = manifest.code;
      let storedBytes = bytes * (1 + m);
      for (let at = 0; at < manifest.stripeCount; at++) storedBytes += manifest.shardBytes(at) * (k + m);
      found.push({ id, holders: noted, view, storedBytes });
    } catch {
      signal.throwIfAborted();
      missing.push(id);
    }
  };
  for await (const _ of orderedWindow(wanted, WINDOW, openOne, () => {}));
  found.sort((a, b) => a.view.createdAtMs - b.view.createdAtMs || (a.id < b.id ? -1 : 1));
  const numbers = new Map<string, number>();
  const records = found.map(({ id, holders: noted, view, storedBytes }): EntryRecord => {
    const version = (numbers.get(view.name) ?? 0) + 1;
    numbers.set(view.name, version);
    return {
      kind: 'entry',
      stamp: nextStamp(NO_STAMP, view.createdAtMs),
      name: view.name,
      objectId: id,
      createdAtMs: view.createdAtMs,
      version,
      current: true,
      deleted: false,
      endedAtMs: 0,
      sizeBytes: view.sizeBytes,
      contentHash: view.contentHash,
      mimeType: view.mimeType,
      tags: view.tags,
      k: view.code.k,
      m: view.code.m,
      chunkBytes: view.chunkBytes,
      stripes: view.stripes,
      storedBytes,
      pool: 'default',
      manifestHolders: noted,
      untold: undefined,
    };
  });
  return { asked, named: ids.size, added: 0, missing, records };
}
