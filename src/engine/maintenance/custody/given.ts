/**
 * Whom this node gave shards of an object in repairs. A release may come while one is on its way, or before its custodians have been told where it went: it is
 * carried to all who are noted here as well.
 */
import { asDatameshError } from '../../../errors.ts';
import type { ObjectId, PeerId } from '../../types.ts';
import { writtenTo } from './custody-manifests.ts';
import type { CustodyStore } from './custody-store.ts';

/** Objects remembered: those of a repair of a large node's shards, and what was mended just before. */
const MAX_OBJECTS = 20_000;

export interface GivenOptions {
  store: Pick<CustodyStore, 'get' | 'keep' | 'manifest'>;
  /** The object was released while the holder was given a shard: it is to be told, whether it was told before or not. */
  overtaken(id: ObjectId, holder: PeerId): void;
}

export class Given {
  /** In the order of the last gift. */
  private readonly holders = new Map<ObjectId, Set<PeerId>>();
  private readonly options: GivenOptions;

  constructor(options: GivenOptions) {
    this.options = options;
  }

  of(id: ObjectId): readonly PeerId[] {
    return [...(this.holders.get(id) ?? [])];
  }

  /** Its release has been carried to all of them. */
  forget(id: ObjectId): void {
    this.holders.delete(id);
  }

  /** Runs `send`, after which the holder has a shard, or may have it: only a refusal says that it has not. Throws what `send` throws. */
  async give(id: ObjectId, holder: PeerId, send: () => Promise<void>): Promise<void> {
    const { store } = this.options;
    // A release that has reached all whom its carrier knows leaves no manifest here, without which nobody can be told of it.
    const manifest = store.manifest(id);
    this.note(id, holder);
    let isRefused = false;
    try {
      await send();
    } catch (error) {
      isRefused = asDatameshError(error).code === 'denied';
      throw error;
    } finally {
      const record = store.get(id);
      if (record?.state === 'released' && !isRefused) {
        const holders = manifest && writtenTo(manifest, record.owner);
        store.keep([{ order: record.order, bytes: record.bytes, manifest, holders }]);
        this.note(id, holder);
        this.options.overtaken(id, holder);
      }
    }
  }

  private note(id: ObjectId, holder: PeerId): void {
    const known = this.holders.get(id) ?? new Set();
    this.holders.delete(id);
    this.holders.set(id, known.add(holder));
    if (this.holders.size > MAX_OBJECTS) this.holders.delete(this.holders.keys().next().value!);
  }
}
