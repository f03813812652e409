/** Finding objects by what the owner wrote, and the views of them that callers get. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Catalog, Entry } from '../catalog/catalog.ts';
import { checkTags } from '../catalog/tags.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { ObjectSecret } from '../codec/manifest-box.ts';
import { MAX_NAME_BYTES } from '../codec/manifest-limits.ts';
import type { ObjectView, PutOptions } from '../engine.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import { openWithOwner } from '../transfer/get.ts';
import { bytesToHex, isHexId, type ObjectId } from '../types.ts';

export function findEntry(
  catalog: Catalog,
  owner: OwnerKeys,
  ref: string,
  version: number | undefined,
): Entry | undefined {
  const byName = catalog.find(owner.ownerId, ref, version);
  if (byName !== undefined || version !== undefined) return byName;
  if (!/^[0-9a-f]{4,64}$/.test(ref)) return undefined;
  // A name once is no id: who deletes "2024" a second time must not meet whatever object's id begins so.
  const wasName = !isHexId(ref) && catalog.findDeleted(owner.ownerId, ref) !== undefined;
  return wasName ? undefined : catalog.findById(owner.ownerId, ref);
}

const VERSIONS_PAGE = 1000;

/** All versions under the entry's name, oldest first, but itself, the one that the name means or meant, last. */
export function versionsOf(catalog: Catalog, entry: Entry): Entry[] {
  const found: Entry[] = [];
  for (let before: number | undefined; ; ) {
    const page = catalog.history(entry.owner, entry.name, before, VERSIONS_PAGE);
    found.push(...page.filter(({ version }) => version !== entry.version));
    before = page.at(-1)?.version;
    if (page.length < VERSIONS_PAGE) return [...found.reverse(), entry];
  }
}

export function notFound(
  catalog: Catalog,
  owner: OwnerKeys,
  ref: string,
  version: number | undefined,
): DatameshError {
  const candidates = catalog.namesLike(owner.ownerId, ref, 50);
  const shown = JSON.stringify(ref.length > 120 ? `${ref.slice(0, 120)}…` : ref);
  const isDeleted = catalog.findDeleted(owner.ownerId, ref) !== undefined;
  const hasOthers = version !== undefined && (isDeleted || catalog.find(owner.ownerId, ref) !== undefined);
  return new DatameshError('not-found', {
    what:
      version !== undefined
        ? `${shown} has no version ${version}`
        : `${isDeleted ? 'what was' : 'nothing is'} stored under ${shown}${isDeleted ? ' was deleted' : ''}`,
    mend: hasOthers
      ? `see which there are with \`datamesh versions ${asWord(ref)}\``
      : isDeleted
        ? `bring it back with \`datamesh undelete ${asWord(ref)}\`, or read one of its \`versions\``
        : 'see what is stored with `datamesh list`',
    details: { candidates },
  });
}

/** A name that no shell takes for anything else, to be copied with the command; else what stands for it. */
export function asWord(ref: string): string {
  return /^\w[\w./-]{0,119}$/.test(ref) ? ref : 'NAME';
}

export function refuseExisting(catalog: Catalog, owner: OwnerKeys, options: PutOptions): void {
  if (!options.ifAbsent || catalog.find(owner.ownerId, options.name) === undefined) return;
  throw new DatameshError('already-exists', {
    what: `${JSON.stringify(options.name)} exists already`,
    mend: 'leave out --if-absent to store a new version, or choose another name',
  });
}

export function checkNameAndTags(options: PutOptions): void {
  const bytes = Buffer.byteLength(options.name);
  if (bytes === 0 || bytes > MAX_NAME_BYTES || !options.name.isWellFormed()) {
    throw new DatameshError('bad-name', {
      what: bytes === 0 ? 'the name is empty' : `the name has ${bytes} bytes or is not well-formed Unicode`,
      why: `a name is 1 to ${MAX_NAME_BYTES} bytes of UTF-8`,
      mend: 'give a shorter one with --name',
    });
  }
  checkTags(options.tags ?? []);
}

export function viewOfManifest(objectId: ObjectId, manifest: Manifest, owner: OwnerKeys): ObjectView {
  return viewOfSecret(objectId, manifest, openWithOwner(manifest, owner).secret, owner.name);
}

/** @param ownerKey what this node calls the key that opened it */
export function viewOfSecret(
  objectId: ObjectId,
  manifest: Manifest,
  secret: ObjectSecret,
  ownerKey: string,
): ObjectView {
  return {
    name: secret.name,
    objectId,
    version: 1,
    sizeBytes: secret.sizeBytes,
    contentHash: bytesToHex(secret.contentHash),
    mimeType: secret.mimeType,
    tags: secret.tags,
    code: manifest.code,
    chunkBytes: manifest.chunkBytes,
    stripes: manifest.stripeCount,
    createdAtMs: secret.createdAtMs,
    ownerKey,
    pool: undefined,
  };
}

/** Only what ObjectView names: an Entry carries more than callers should lean on. */
export function publicView(view: ObjectView): ObjectView {
  const { name, objectId, version, sizeBytes, contentHash, mimeType, tags, code, chunkBytes, stripes } = view;
  const { createdAtMs, ownerKey, pool } = view;
  return {
    name,
    objectId,
    version,
    sizeBytes,
    contentHash,
    mimeType,
    tags,
    code,
    chunkBytes,
    stripes,
    createdAtMs,
    ownerKey,
    pool,
  };
}

/** For what goes on without the manifest where nobody gave it. */
export function lostIsUndefined(error: unknown): undefined {
  if (asDatameshError(error).code === 'shards-missing') return undefined;
  throw error;
}
