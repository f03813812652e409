/** The file that makes a folder a backend: whose it is and under which id its shards are found again. docs/FORMATS.md "Folders". */
import { DatameshError } from '../../errors.ts';
import type { Disk } from '../effects/disk.ts';
import type { Random } from '../effects/random.ts';
import type { PeerId } from '../types.ts';

export interface FolderMarker {
  format: number;
  /** Stands where a peer id stands: in manifests, catalog and views. */
  id: PeerId;
  /** The node that uses the folder; two writing into one would each believe to be alone. */
  node: PeerId;
}

const MARKER_NAME = 'datamesh-folder.json';
const STORE = 'datamesh folder';
const FORMAT = 1;
/** Made by mkfs in the root of a file system; says nothing about whose the folder is. */
const HARMLESS = new Set(['lost+found']);
const MAX_MARKER_BYTES = 4096;
const PERMISSIONS = 0o600;

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** No peer id begins so: those of Ed25519 keys begin with 12D3KooW, of others with Qm or 16Uiu2. */
const ID_PREFIX = 'Dir';
/** 44 digits of base58: 257 bits. */
const ID_DIGITS = 44;
const ID = new RegExp(`^${ID_PREFIX}[${BASE58}]{${ID_DIGITS}}$`);

/** A holder that is a folder of some node, not a node. */
export function isFolderId(holder: PeerId): boolean {
  return ID.test(holder);
}

function newId(random: Random): PeerId {
  // 256 is no multiple of 58, so some digits are a little likelier: of 257 bits 256 are left.
  const digits = Array.from(random.bytes(ID_DIGITS), (byte) => BASE58[byte % BASE58.length]!);
  return (ID_PREFIX + digits.join('')) as PeerId;
}

/** Undefined when the folder has no marker or is not there. Throws `malformed-data`, `format-too-new`. */
export async function readMarker(disk: Disk, folder: string): Promise<FolderMarker | undefined> {
  const path = `${folder}/${MARKER_NAME}`;
  const bytes = await disk.readFile(path, MAX_MARKER_BYTES).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (bytes === undefined) return undefined;
  let value: Partial<FolderMarker & { store: string }>;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8')) as typeof value;
  } catch {
    value = {};
  }
  const { store, format, id, node } = value ?? {};
  if (store === STORE && typeof format === 'number' && Number.isSafeInteger(format) && format > FORMAT) {
    throw new DatameshError('format-too-new', {
      what: `the folder ${folder} has format ${format}, this datamesh knows up to ${FORMAT}`,
      why: 'a newer datamesh has written it',
      mend: 'use that newer datamesh',
    });
  }
  if (
    store !== STORE ||
    format !== FORMAT ||
    typeof id !== 'string' ||
    typeof node !== 'string' ||
    !isFolderId(id)
  ) {
    throw new DatameshError('malformed-data', {
      what: `${path} is no marker of datamesh`,
      mend: 'restore it from a backup, or choose another folder; the shards beside it are untouched',
    });
  }
  return { format, id, node };
}

export interface Claim {
  disk: Disk;
  random: Random;
  folder: string;
  node: PeerId;
  /** Make the marker when the folder is empty. */
  create: boolean;
  /** Take over the folder of another node, which must not use it any more. */
  adopt: boolean;
}

/**
 * The folder's marker, checked to be this node's. Throws `file-not-found` for a folder that is not there or not yet one of datamesh,
 * `already-exists` for one that holds something else or belongs to another node.
 */
export async function claimFolder(claim: Claim): Promise<FolderMarker> {
  const { disk, folder, node } = claim;
  const found = await readMarker(disk, folder);
  if (found !== undefined) {
    if (found.node === node) return found;
    if (!claim.adopt) {
      throw new DatameshError('already-exists', {
        what: `the folder ${folder} belongs to another node (…${found.node.slice(-8)})`,
        mend: 'choose another folder, or take it over with --adopt once that node does not use it any more',
        details: { folder, node: found.node },
      });
    }
    return await writeMarker(disk, folder, { ...found, node });
  }
  if (!claim.create) {
    throw new DatameshError('file-not-found', {
      what: `the folder ${folder} is not there, or its marker ${MARKER_NAME} is gone`,
      mend: 'mount its disk again',
    });
  }
  const parent = folder.slice(0, folder.lastIndexOf('/')) || '/';
  if ((await disk.stat(parent))?.kind !== 'directory') {
    throw new DatameshError('file-not-found', {
      what: `${parent} is no folder, so ${folder} cannot be made in it`,
      mend: 'make it, or mount its disk, and try again',
    });
  }
  const kind = (await disk.stat(folder))?.kind;
  if (kind === 'file' || kind === 'other' || (kind === 'directory' && !(await isEmpty(disk, folder)))) {
    throw new DatameshError('already-exists', {
      what: `${folder} holds something else than shards of datamesh`,
      why: 'a folder for shards must be empty, or one that datamesh has made',
      mend: 'choose an empty folder, or one that does not exist yet',
      details: { folder },
    });
  }
  await disk.makeDir(folder);
  await disk.syncDir(parent);
  return await writeMarker(disk, folder, { format: FORMAT, id: newId(claim.random), node });
}

async function isEmpty(disk: Disk, folder: string): Promise<boolean> {
  return (await disk.list(folder)).every((name) => HARMLESS.has(name));
}

async function writeMarker(disk: Disk, folder: string, marker: FolderMarker): Promise<FolderMarker> {
  const text = `${JSON.stringify({ store: STORE, ...marker })}\n`;
  await disk.writeFileAtomic(`${folder}/${MARKER_NAME}`, Buffer.from(text), PERMISSIONS);
  return marker;
}
