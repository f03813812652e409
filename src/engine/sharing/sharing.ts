/** Sharing on a running node: links are made, opened, and what they lead to is stored under another key. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import { findEntry, notFound, publicView } from '../calls/object-refs.ts';
import type { Objects } from '../calls/objects.ts';
import { ownerOf } from '../calls/put-object.ts';
import type { Entry, ShareRow } from '../catalog/catalog.ts';
import { MAX_SHARES } from '../catalog/share-rows.ts';
import type { ObjectView } from '../engine.ts';
import type { Node } from '../node.ts';
import { bytesToHex } from '../types.ts';
import type { NewShare, Revocation, ShareCalls, ShareOptions, ShareView } from '../views/shares.ts';
import { openLink, readLink, readSharingKey, sharingKeyOf, writeLink } from './link.ts';

/** All that are kept: what is not found here cannot be taken back. */
const LISTED = MAX_SHARES;
/** More are struck off, the oldest first: a list that nobody reads helps nobody. */
const ID_BYTES = 6;

/** @param learnt resolves when the catalog knows what other devices of the owner did until some seconds ago */
export function createSharing(
  node: Node,
  objects: Objects,
  learnt: (signal: AbortSignal) => Promise<void>,
): ShareCalls {
  const { catalog, clock, random } = node;
  const owner = () => ownerOf(node);

  /** Of which the catalog does not know yet. */
  const newShare = async (entry: Entry, options: ShareOptions): Promise<NewShare> => {
    const terms = { untilMs: options.untilMs, readOnce: options.readOnce === true };
    const recipient = options.to === undefined ? undefined : readSharingKey(options.to);
    if (terms.untilMs !== undefined && terms.untilMs <= clock.now())
      throw new DatameshError('bad-value', { what: 'a share would have expired before it began' });
    const fileKey = await objects.fileKeyOf(entry, new AbortController().signal);
    const link = writeLink(entry.objectId, fileKey, terms, recipient, random);
    const share: ShareRow = {
      id: bytesToHex(random.bytes(ID_BYTES)),
      name: entry.name,
      version: entry.version,
      objectId: entry.objectId,
      recipient: options.to?.trim(),
      createdAtMs: Math.round(clock.now()),
      untilMs: terms.untilMs === undefined ? undefined : Math.round(terms.untilMs),
      readOnce: terms.readOnce,
      revokedAtMs: undefined,
    };
    return { share, link };
  };

  /** What is current and is what was shared, also where it was renamed since. */
  const currentOf = ({ name, version, objectId }: ShareView): Entry | undefined => {
    const { ownerId } = owner();
    const found = catalog.find(ownerId, name);
    if (found?.objectId === objectId) return found;
    if (catalog.find(ownerId, name, version)?.objectId === objectId) return undefined;
    const renamed = catalog.findById(ownerId, objectId);
    return renamed?.state === 'current' ? renamed : undefined;
  };

  /** The shared version under another key, as the newest of its name. */
  const copyOf = async (share: ShareView, before: Entry, signal: AbortSignal): Promise<Entry> => {
    const { ownerId } = owner();
    const { name, mimeType, tags, pool, sizeBytes, code } = before;
    const { body } = await objects.get(name, { version: before.version }, { signal });
    // The pieces lie in the codec's memory only until the next one is asked for.
    const copied = (async function* () {
      for await (const piece of body) yield Uint8Array.from(piece);
    })();
    const put = { name, mimeType, tags, pool, sizeBytes, code };
    const { object, replacedVersion } = await objects.put(copied, put, { signal });
    // Not what the name means by now: that may be a later put, which nobody has shared.
    const entry = catalog.find(ownerId, name, object.version);
    if (entry?.objectId !== object.objectId) throw notCurrent(share);
    if (replacedVersion !== before.version) {
      // What was put while this was copied is to be the newest again, and what was deleted stays so: without the copy the name means the shared version.
      await objects.purge(entry, signal);
      const isBack = catalog.find(ownerId, name)?.objectId === share.objectId;
      if (replacedVersion === undefined && isBack) catalog.hide(ownerId, name);
      throw notCurrent(share);
    }
    return entry;
  };

  /** In another key's place: the links are made before anything is taken away, for they are told to nobody when that fails. */
  const rekeyed = async (share: ShareView, staying: readonly ShareView[], signal: AbortSignal) => {
    const before = currentOf(share);
    if (before === undefined) throw notCurrent(share);
    const entry = await copyOf(share, before, signal);
    try {
      const reissued: NewShare[] = [];
      for (const { recipient, untilMs, readOnce } of staying)
        reissued.push(await newShare(entry, { to: recipient, untilMs, readOnce }));
      const { unreachable } = await objects.purge(before, signal);
      return { entry, unreachable: unreachable.length, reissued };
    } catch (error) {
      // All is as it was, unless the shared version is gone: then the copy is the only one.
      const isThere = catalog.find(before.owner, before.name, before.version)?.objectId === before.objectId;
      if (isThere) await objects.purge(entry, new AbortController().signal).catch(() => {});
      throw error;
    }
  };

  const revoke = async (id: string, rekey: boolean, signal: AbortSignal): Promise<Revocation> => {
    const { ownerId } = owner();
    // By a catalog of yesterday the copy would become the newest over what another device has put since.
    if (rekey) await learnt(signal);
    const all = catalog.shares(ownerId, LISTED);
    const share = all.find((it) => it.id === id);
    if (share === undefined) {
      throw new DatameshError('not-found', {
        what: `there is no share ${JSON.stringify(id.slice(0, 40))}`,
        mend: 'see them with `datamesh shares list`',
      });
    }
    const uses = () => catalog.references(share.objectId);
    if (!rekey) {
      catalog.revokeShare(ownerId, id, clock.now());
      return { object: undefined, unreachable: 0, otherUses: uses(), reissued: [] };
    }
    const same = all.filter((it) => it.objectId === share.objectId && it.revokedAtMs === undefined);
    const staying = same.filter(
      (it) => it.id !== id && (it.untilMs === undefined || it.untilMs > clock.now()),
    );
    const { entry, unreachable, reissued } = await rekeyed(share, staying, signal);
    for (const { share: row } of reissued) catalog.addShare(ownerId, row);
    for (const each of same) catalog.revokeShare(ownerId, each.id, clock.now());
    return { object: publicView(entry), unreachable, otherUses: uses(), reissued };
  };

  return {
    key: async () => sharingKeyOf(owner().encryptionPublicKey),

    async share(ref, options = {}) {
      const entry = findEntry(catalog, owner(), ref, options.version);
      if (entry === undefined) throw notFound(catalog, owner(), ref, options.version);
      const made = await newShare(entry, options);
      catalog.addShare(owner().ownerId, made.share);
      return made;
    },

    list: async () => catalog.shares(owner().ownerId, LISTED),

    revoke: (id, { rekey = false } = {}, call = {}) =>
      revoke(id, rekey, call.signal ?? new AbortController().signal),

    async open(text, call = {}) {
      const link = readLink(text);
      if (link.untilMs !== undefined && link.untilMs <= clock.now()) {
        throw new DatameshError('denied', {
          what: 'this link has expired',
          mend: 'ask its owner for a new one',
        });
      }
      const fileKey = openLink(link, owner());
      const signal = call.signal ?? new AbortController().signal;
      try {
        const { view, read } = await objects.openWithKey(link.objectId, fileKey, signal);
        const object: ObjectView = view;
        return { object, offset: 0, length: object.sizeBytes, body: read(), readOnce: link.readOnce };
      } catch (error) {
        if (asDatameshError(error).code !== 'shards-missing') throw error;
        throw new DatameshError('not-found', {
          what: 'nobody in this mesh has what the link leads to',
          why: 'its owner has purged or re-keyed it, or the nodes that have it are off or in another network',
          mend: 'ask its owner',
          cause: error,
        });
      }
    },
  };
}

function notCurrent(share: Pick<ShareView, 'name' | 'version'>): DatameshError {
  return new DatameshError('bad-value', {
    what: `what was shared is not the current version of ${JSON.stringify(share.name)} any more`,
    why: 'later versions have keys of their own, which the link does not open',
    mend: `purge the shared version: datamesh delete NAME --version ${share.version} --purge`,
  });
}
