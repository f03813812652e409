/** Heads that this node holds for owners, each a file of its own, so that what was promised outlives a crash. */
import { DatameshError } from '../../errors.ts';
import type { Disk } from '../effects/disk.ts';
import { inTurn } from '../in-turn.ts';
import { compareDistance, type Point } from '../placement/xor.ts';
import { isHexId, type OwnerId } from '../types.ts';
import { type Head, MAX_HEAD_BYTES, pointOfHead, readHead, supersedes } from './head.ts';

/** Owners of a large mesh on one node; 128 MiB of files at the very most. */
export const MAX_HEADS = 4096;
const SUFFIX = '.head';

export interface HeadStore {
  owners(): OwnerId[];
  get(owner: OwnerId): Promise<Uint8Array | undefined>;
  /**
   * Keeps a head that was read before, durable on return. Returns the one that is held instead when that is newer. Throws `quota-full` when the store is full of
   * heads that belong here more.
   */
  put(owner: OwnerId, sequence: number, bytes: Uint8Array): Promise<Uint8Array | undefined>;
}

/** @param point this node's place in the key space: of too many heads it keeps the closest */
export async function openHeadStore(
  disk: Disk,
  dir: string,
  point: Point,
  log: (text: string) => void,
  maxHeads = MAX_HEADS,
): Promise<HeadStore> {
  await disk.makeDir(dir, 0o700);
  const sequences = new Map<OwnerId, number>();
  const pathOf = (owner: OwnerId) => `${dir}/${owner}${SUFFIX}`;
  /** Said once, until there is another one. */
  const damaged = new Set<OwnerId>();
  const read = async (owner: OwnerId): Promise<{ head: Head; bytes: Uint8Array } | undefined> => {
    try {
      const bytes = await disk.readFile(pathOf(owner), MAX_HEAD_BYTES);
      if (bytes === undefined) return undefined;
      const head = readHead(bytes);
      return head.owner === owner ? { head, bytes } : undefined;
    } catch (error) {
      if (!damaged.has(owner))
        log(`the catalog head ${owner.slice(0, 8)}… on this disk is damaged: ${String(error)}`);
      damaged.add(owner);
      return undefined;
    }
  };
  for (const file of await disk.list(dir)) {
    const owner = file.slice(0, -SUFFIX.length) as OwnerId;
    if (!file.endsWith(SUFFIX) || !isHexId(owner)) {
      if (file.endsWith('.tmp')) await disk.remove(`${dir}/${file}`);
      continue;
    }
    const held = await read(owner);
    if (held !== undefined) sequences.set(owner, held.head.sequence);
  }
  // Looked at each time: one that rots would be given for the newest, and refuse the whole one that is left again.
  const get = async (owner: OwnerId) => (sequences.has(owner) ? (await read(owner))?.bytes : undefined);

  const makeRoom = async (owner: OwnerId) => {
    if (sequences.has(owner) || sequences.size < maxHeads) return;
    const distance = (a: OwnerId, b: OwnerId) => compareDistance(point, pointOfHead(a), pointOfHead(b));
    const farthest = [...sequences.keys()].reduce((far, each) => (distance(each, far) > 0 ? each : far));
    if (distance(farthest, owner) <= 0) {
      throw new DatameshError('quota-full', { what: 'this node holds as many catalog heads as it can' });
    }
    sequences.delete(farthest);
    await disk.remove(pathOf(farthest));
  };

  /** One after another: what is held is compared with what comes. */
  const oneByOne = inTurn();
  return {
    owners: () => [...sequences.keys()],
    get,
    put: (owner, sequence, bytes) =>
      oneByOne(async () => {
        const held = await get(owner);
        const known = held && { sequence: sequences.get(owner)!, bytes: held };
        if (held !== undefined && Buffer.compare(held, bytes) === 0) return undefined;
        if (!supersedes({ sequence, bytes }, known)) return held;
        await makeRoom(owner);
        await disk.writeFileAtomic(pathOf(owner), bytes, 0o600);
        sequences.set(owner, sequence);
        damaged.delete(owner);
        return undefined;
      }),
  };
}
