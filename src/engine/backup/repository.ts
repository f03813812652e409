/** The objects of backups as this node's catalog knows them, with copies of the small ones in the data folder. */
import { asDatameshError, type DatameshError } from '../../errors.ts';
import type { Objects } from '../calls/objects.ts';
import { blake3Hasher } from '../codec/hash.ts';
import type { ObjectView } from '../engine.ts';
import type { Node } from '../node.ts';
import { dataPaths } from '../options.ts';
import { bytesToHex } from '../types.ts';
import type { SnapshotView, UnreadSnapshot } from '../views/backups.ts';
import { MAX_INDEX_BYTES, MAX_SNAPSHOT_BYTES } from './limits.ts';
import { NAMES, type ObjectDoor } from './object-door.ts';
import type { PackObject } from './open-index.ts';
import { decodeSnapshot, type Snapshot } from './snapshot-file.ts';
import { patternText } from './walk.ts';

export interface StoredSnapshot {
  id: string;
  object: ObjectView;
  snapshot: Snapshot;
}

/** One that is in the catalog, and of which no node gives enough. */
export interface LostSnapshot {
  id: string;
  object: ObjectView;
  error: DatameshError;
}

const PAGE = 10_000;
/** Snapshots read at once when none is cached. */
const READS = 8;

export class Repository {
  readonly #node: Node;
  readonly #objects: Objects;
  readonly #signal: AbortSignal;

  constructor(node: Node, objects: Objects, signal: AbortSignal) {
    this.#node = node;
    this.#objects = objects;
    this.#signal = signal;
  }

  get #folder(): string {
    return `${dataPaths(this.#node.options.dataDir).backup}/objects`;
  }

  named(prefix: string): ObjectView[] {
    const owner = this.#node.owner!.ownerId;
    const found: ObjectView[] = [];
    let cursor: string | undefined;
    do {
      const page = this.#node.catalog.list(owner, { prefix, limit: PAGE, cursor });
      found.push(...page.objects);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  }

  packs(): PackObject[] {
    return [NAMES.data, NAMES.tree].flatMap((prefix) =>
      this.named(prefix).map(({ name, sizeBytes }) => ({ name, sizeBytes })),
    );
  }

  /**
   * All index objects that can be read: each pack says itself what it holds. Newest first: where a chunk lies twice, the first pack was lost when the second was written, or is as good. Copies of
   * those that are gone are removed.
   */
  async indexFiles(): Promise<Uint8Array[]> {
    const files: Uint8Array[] = [];
    for (const object of this.named(NAMES.index).toSorted((a, b) => b.createdAtMs - a.createdAtMs)) {
      try {
        files.push(await this.#small(object, MAX_INDEX_BYTES));
      } catch (error) {
        if (this.#signal.aborted) throw error;
        const why = `${object.name} cannot be read, its packs are looked through instead: ${asDatameshError(error).message}`;
        this.#node.events.add('warn', 'backup', why);
      }
    }
    await this.#clean();
    return files;
  }

  /** Newest first. `prefix`: only those whose ids begin so; no others are read. */
  async snapshots(prefix = ''): Promise<{ found: StoredSnapshot[]; lost: LostSnapshot[] }> {
    const objects = this.named(`${NAMES.snapshot}${prefix}`);
    const found: StoredSnapshot[] = [];
    const lost: LostSnapshot[] = [];
    for (let at = 0; at < objects.length; at += READS) {
      const some = objects.slice(at, at + READS);
      const read = await Promise.allSettled(some.map((object) => this.#snapshot(object)));
      for (const [i, one] of read.entries()) {
        const object = some[i]!;
        if (one.status === 'fulfilled') found.push(one.value);
        else if (this.#signal.aborted) throw one.reason;
        else lost.push({ id: idOf(object), object, error: asDatameshError(one.reason) });
      }
    }
    found.sort((a, b) => b.snapshot.takenAtMs - a.snapshot.takenAtMs || (a.id < b.id ? -1 : 1));
    lost.sort((a, b) => b.object.createdAtMs - a.object.createdAtMs || (a.id < b.id ? -1 : 1));
    return { found, lost };
  }

  async #snapshot(object: ObjectView): Promise<StoredSnapshot> {
    const snapshot = decodeSnapshot(await this.#small(object, MAX_SNAPSHOT_BYTES));
    return { id: idOf(object), object, snapshot };
  }

  /** From its copy here, else from the mesh. */
  async #small(object: ObjectView, maxBytes: number): Promise<Uint8Array> {
    const { disk, events } = this.#node;
    const path = `${this.#folder}/${object.objectId}`;
    const copy = await disk.readFile(path, maxBytes).catch(() => undefined);
    if (copy !== undefined && contentHashOf(copy) === object.contentHash) return copy;
    const bytes = await readObject(this.#objects, object.name, 0, undefined, this.#signal);
    try {
      await disk.makeDir(this.#folder);
      await disk.writeFileAtomic(path, bytes, 0o600);
    } catch (error) {
      events.add('warn', 'backup', `no copy of ${object.name} is kept here: ${String(error)}`);
    }
    return bytes;
  }

  async #clean(): Promise<void> {
    const { disk } = this.#node;
    const wanted = new Set(
      [NAMES.index, NAMES.snapshot].flatMap((it) => this.named(it).map((o) => o.objectId as string)),
    );
    const copies = await disk.list(this.#folder).catch(() => []);
    for (const copy of copies)
      if (!wanted.has(copy)) await disk.remove(`${this.#folder}/${copy}`).catch(() => {});
  }

  /** Packs that were put through `door`. */
  readonly stored: string[] = [];
  /** Puts through `door` that were degraded. */
  degraded = 0;

  /** @param beforeSnapshot throws when no snapshot is to be made of what was stored */
  door(pool?: string, allowDegraded = false, beforeSnapshot?: () => Promise<void>): ObjectDoor {
    const objects = this.#objects;
    const signal = this.#signal;
    return {
      put: async (name, source) => {
        if (name.startsWith(NAMES.snapshot)) await beforeSnapshot?.();
        const receipt = await objects.put(
          source,
          {
            ...{ name, pool, allowDegraded, compress: false, ifAbsent: true },
            mimeType: 'application/vnd.datamesh.backup',
          },
          { signal, givesPieces: true },
        );
        if (receipt.degraded) this.degraded++;
        if (isPack(name)) this.stored.push(name);
      },
      read: (name, offset, lengthBytes) => readObject(objects, name, offset, lengthBytes, signal),
    };
  }
}

function idOf({ name }: ObjectView): string {
  return name.slice(NAMES.snapshot.length);
}

export function unreadOf({ id, object, error }: LostSnapshot): UnreadSnapshot {
  return { id, storedAtMs: object.createdAtMs, why: error.message };
}

function isPack(name: string): boolean {
  return name.startsWith(NAMES.data) || name.startsWith(NAMES.tree);
}

export function viewOf({
  id,
  snapshot,
}: Pick<StoredSnapshot, 'id'> & { snapshot: Omit<Snapshot, 'tree'> }): SnapshotView {
  const { takenAtMs, source, node, tags, files, directories, links } = snapshot;
  const { sizeBytes, addedBytes, skipped, durationMs } = snapshot;
  return {
    ...{ id, takenAtMs, source: patternText(source), node, tags, files, directories, links },
    ...{ sizeBytes, addedBytes, skipped, durationMs },
  };
}

async function readObject(
  objects: Objects,
  name: string,
  offset: number,
  lengthBytes: number | undefined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { body, length } = await objects.get(name, { offset, length: lengthBytes }, { signal });
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const piece of body) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function contentHashOf(bytes: Uint8Array): string {
  return bytesToHex(blake3Hasher().update(bytes).digest());
}
