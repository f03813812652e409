/**
 * Manifests: what is needed to find and decode an object. The layout half (shard ids, holders, sizes) is signed by the owner and needs no
 * key, so custodians can audit and repair; the sealed half (name, hash, inline content) opens with the file key. Format and
 * limits: docs/FORMATS.md "Manifest".
 */
import { DatameshError } from '../../errors.ts';
import type { Random } from '../effects/random.ts';
import { sealTo } from '../keys/hpke.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import { verifySignature } from '../keys/raw-keys.ts';
import { bytesToHex, type CodeProfile, hexToBytes, type OwnerId, type PeerId } from '../types.ts';
import { FILE_KEY_BYTES, shardBytesOf } from './aead.ts';
import { ManifestEnvelope, ManifestLayout, type SealedFileKey } from './generated/manifest.ts';
import { blake3 } from './hash.ts';
import { checkSecret, type ObjectSecret, openBox, sealBox } from './manifest-box.ts';
import {
  checkEnvelope,
  checkLayout,
  HINT_BYTES,
  OWNER_SALT_BYTES,
  parseCanonical,
} from './manifest-checks.ts';
import { MAX_MANIFEST_BYTES, MAX_PEERS, MAX_RECIPIENTS, MAX_STRIPES } from './manifest-limits.ts';
import { maxPackedShardBytes } from './packing.ts';
import { encodeStripes, malformed, readStripes, type StripeLayout } from './stripe-table.ts';

export type { ObjectSecret } from './manifest-box.ts';
export type { StripeLayout } from './stripe-table.ts';

const MAGIC = Buffer.from('DMM');
const FORMAT = { plain: 1, packed: 2, ownKey: 4 } as const;
const LATEST_FORMAT = FORMAT.ownKey;
const PREFIX_BYTES = MAGIC.length + 1;
const SIGNATURE_CONTEXT = Buffer.from('datamesh/manifest/1\n');
const FILE_KEY_INFO = Buffer.from('datamesh/file-key/1');

export interface ManifestInput {
  code: CodeProfile;
  chunkBytes: number;
  /** The chunks were encoded with `pack`. */
  packed?: boolean;
  /** One per chunk; none when the content is inline. */
  stripes: readonly StripeLayout[];
  secret: ObjectSecret;
  /** 32 bytes. */
  fileKey: Uint8Array;
  /** What the file key was made of (`owner.fileKeyOf`): the owner then needs no entry among the recipients. */
  ownerSalt?: Uint8Array;
  owner: Pick<OwnerKeys, 'ownerId' | 'sign'>;
  /** X25519 public keys, 32 bytes each, of all others who may open it; the owner's own among them when there is no `ownerSalt`. */
  recipients: readonly Uint8Array[];
  random: Random;
}

export interface Manifest {
  format: number;
  code: CodeProfile;
  chunkBytes: number;
  /** Chunks are packed chunks: to be decoded with `packed`. */
  packed: boolean;
  stripeCount: number;
  /** Distinct write-time holders. */
  peers: PeerId[];
  /** Whose signature over the layout was verified. */
  ownerId: OwnerId;
  shardBytes(index: number): number;
  /** Made on demand: a large manifest stays as small as its bytes. Throws RangeError outside 0…stripeCount-1. */
  stripe(index: number): StripeLayout;
  /** For `openManifest`. */
  sealed: SealedHalf;
}

export interface SealedHalf {
  layoutHash: Uint8Array;
  recipients: readonly SealedFileKey[];
  /** Empty when the owner, too, is a recipient. */
  ownerSalt: Uint8Array;
  box: Uint8Array;
}

export interface OpenedManifest {
  secret: ObjectSecret;
  fileKey: Uint8Array;
}

export type ManifestOpener = Pick<OwnerKeys, 'ownerId' | 'fileKeyOf' | 'encryptionPublicKey' | 'open'>;

/** The bytes to store. Throws `bad-name`, `bad-value` and `input-too-large` for what a manifest cannot hold. */
export function encodeManifest(input: ManifestInput): Uint8Array {
  checkSecret(input.secret);
  if (input.fileKey.length !== FILE_KEY_BYTES) throw new RangeError('a file key has 32 bytes');
  const { ownerSalt } = input;
  if (ownerSalt !== undefined && ownerSalt.length !== OWNER_SALT_BYTES) {
    throw new RangeError(`a salt has ${OWNER_SALT_BYTES} bytes`);
  }
  const { table, peers } = encodeStripes(input.code, input.stripes);
  const packed = input.packed === true && input.stripes.length > 0;
  const layout = ManifestLayout.encode({
    k: input.code.k,
    m: input.code.m,
    chunkBytes: input.chunkBytes,
    stripeCount: input.stripes.length,
    owner: new Uint8Array(hexToBytes(input.owner.ownerId)),
    peers,
    stripes: new Uint8Array(table),
    packing: packed ? 1 : 0,
  });
  const layoutHash = blake3(layout);
  const box = sealBox(input.fileKey, layoutHash, input.secret);
  const bytes = Buffer.concat([
    MAGIC,
    Uint8Array.of(formatOf(packed, ownerSalt !== undefined)),
    ManifestEnvelope.encode({
      layout,
      signature: new Uint8Array(input.owner.sign(signedMessage(layoutHash, box))),
      recipients: input.recipients.map((key) => sealFileKey(key, input.fileKey, layoutHash, input.random)),
      box: new Uint8Array(box),
      ownerSalt: new Uint8Array(ownerSalt ?? []),
    }),
  ]);
  if (bytes.length > MAX_MANIFEST_BYTES || input.stripes.length > MAX_STRIPES || peers.length > MAX_PEERS) {
    throw new DatameshError('input-too-large', {
      what: `the object would need a manifest of ${bytes.length} bytes for ${input.stripes.length} stripes on ${peers.length} peers`,
      why: `at most ${MAX_MANIFEST_BYTES} bytes, ${MAX_STRIPES} stripes and ${MAX_PEERS} peers are possible`,
      mend: 'store it with larger chunks, or in parts',
    });
  }
  // Without stripes all that could be wrong was checked above.
  if (input.stripes.length === 0) return bytes;
  // What this writes, every reader must accept: the same checks, before anything is sent; but for the signature made just above.
  const written = parseManifest(bytes, () => true);
  checkConsistent(written, input.secret);
  return bytes;
}

/**
 * Layout and sealed half of stored bytes, owner's signature verified. Throws `malformed-data`, `not-authentic` for a wrong signature,
 * `format-too-new`. Costs at most a pass over the bytes.
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  return parseManifest(bytes, verifySignature);
}

/**
 * The same for bytes whose hash the owner's own catalog names: she signed them when she stored them, and checking her own signature again would cost
 * more than all the rest. Another owner's signature is verified as ever.
 */
export function decodeOwnManifest(bytes: Uint8Array, owner: Pick<OwnerKeys, 'ownerId'>): Manifest {
  return parseManifest(
    bytes,
    (key, message, signature) =>
      bytesToHex(key) === owner.ownerId || verifySignature(key, message, signature),
  );
}

function parseManifest(bytes: Uint8Array, verify: typeof verifySignature): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) throw malformed(`it has ${bytes.length} bytes`);
  if (bytes.length < PREFIX_BYTES || Buffer.compare(bytes.subarray(0, MAGIC.length), MAGIC) !== 0) {
    throw malformed('it does not begin like one');
  }
  const format = bytes[MAGIC.length]!;
  if (format > LATEST_FORMAT) {
    throw new DatameshError('format-too-new', {
      what: `the manifest has format ${format}, this datamesh reads up to ${LATEST_FORMAT}`,
      mend: 'update datamesh',
    });
  }
  const envelope = parseCanonical('envelope', bytes.subarray(PREFIX_BYTES), ManifestEnvelope, {
    recipients: MAX_RECIPIENTS,
  });
  checkEnvelope(envelope);
  const layout = parseCanonical('layout', envelope.layout, ManifestLayout, { peers: MAX_PEERS });
  checkLayout(layout);
  const packed = layout.packing === 1;
  if (format !== formatOf(packed, envelope.ownerSalt.length > 0)) throw malformed(`it has format ${format}`);
  const layoutHash = blake3(envelope.layout);
  if (!verify(layout.owner, signedMessage(layoutHash, envelope.box), envelope.signature)) {
    throw new DatameshError('not-authentic', {
      what: 'the manifest’s signature is not its owner’s',
      why: 'it was altered or forged',
    });
  }
  const code = { k: layout.k, m: layout.m };
  const peers = layout.peers as PeerId[];
  const table = readStripes(
    code,
    layout.stripeCount,
    packed
      ? { maxBytes: maxPackedShardBytes(layout.chunkBytes, layout.k), same: false }
      : { maxBytes: shardBytesOf(layout.chunkBytes, layout.k), same: true },
    peers,
    layout.stripes,
  );
  return {
    format,
    code,
    chunkBytes: layout.chunkBytes,
    packed,
    stripeCount: table.count,
    peers,
    ownerId: bytesToHex(layout.owner) as OwnerId,
    shardBytes: table.shardBytes,
    stripe: table.stripe,
    sealed: {
      layoutHash,
      recipients: envelope.recipients,
      ownerSalt: envelope.ownerSalt,
      box: envelope.box,
    },
  };
}

/**
 * The sealed half, with an owner's key. Throws `denied` when the file key is not sealed to it, `not-authentic`, `malformed-data` when the
 * halves contradict each other.
 */
export function openManifest(manifest: Manifest, opener: ManifestOpener): OpenedManifest {
  const { ownerSalt } = manifest.sealed;
  if (ownerSalt.length > 0 && opener.ownerId === manifest.ownerId) {
    return openManifestWithKey(manifest, opener.fileKeyOf(ownerSalt));
  }
  const hint = hintOf(opener.encryptionPublicKey);
  const mine = manifest.sealed.recipients.filter((it) => Buffer.compare(it.hint, hint) === 0);
  if (mine.length === 0) {
    throw new DatameshError('denied', {
      what: 'the object is not sealed to this owner key',
      mend: 'ask its owner to share it, or use the key it was stored with',
    });
  }
  let failure: unknown;
  for (const { enc, ciphertext } of mine) {
    try {
      const fileKey = opener.open({ enc, ciphertext }, FILE_KEY_INFO, manifest.sealed.layoutHash);
      return openManifestWithKey(manifest, fileKey);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** The same with the file key itself, as a link carries it. */
export function openManifestWithKey(manifest: Manifest, fileKey: Uint8Array): OpenedManifest {
  if (fileKey.length !== FILE_KEY_BYTES) throw malformed(`a file key of ${fileKey.length} bytes`);
  const secret = openBox(fileKey, manifest.sealed.layoutHash, manifest.sealed.box);
  checkConsistent(manifest, secret);
  return { secret, fileKey };
}

/** Plaintext bytes of chunk `index` of an object of `sizeBytes`. */
export function chunkLength(manifest: Manifest, sizeBytes: number, index: number): number {
  const before = index * manifest.chunkBytes;
  return Math.max(0, Math.min(manifest.chunkBytes, sizeBytes - before));
}

/** The oldest format whose readers understand it. 3 is set aside for stripe pages. */
function formatOf(packed: boolean, ownKey: boolean): number {
  if (ownKey) return FORMAT.ownKey;
  return packed ? FORMAT.packed : FORMAT.plain;
}

function sealFileKey(
  publicKey: Uint8Array,
  fileKey: Uint8Array,
  layoutHash: Uint8Array,
  random: Random,
): SealedFileKey {
  const { enc, ciphertext } = sealTo(publicKey, fileKey, FILE_KEY_INFO, layoutHash, random);
  return {
    hint: new Uint8Array(hintOf(publicKey)),
    enc: new Uint8Array(enc),
    ciphertext: new Uint8Array(ciphertext),
  };
}

/** Lets a reader find its own entry without trying all; tells no more than that two entries are the same reader's. */
function hintOf(publicKey: Uint8Array): Uint8Array {
  return blake3(publicKey).subarray(0, HINT_BYTES);
}

/** Both halves are under the signature: a recipient knows the file key and could else put another content into the box. */
function signedMessage(layoutHash: Uint8Array, box: Uint8Array): Uint8Array {
  return Buffer.concat([SIGNATURE_CONTEXT, layoutHash, blake3(box)]);
}

/** Size, chunks and shard lengths must tell the same; content lies either inline or in stripes. */
function checkConsistent(manifest: Manifest, secret: ObjectSecret): void {
  const { stripeCount, chunkBytes, code } = manifest;
  if (stripeCount === 0) {
    if (secret.inline === undefined) throw malformed('it has neither stripes nor inline content');
    return;
  }
  if (secret.inline !== undefined) throw malformed('it has both stripes and inline content');
  if (Math.ceil(secret.sizeBytes / chunkBytes) !== stripeCount) {
    throw malformed(`${stripeCount} chunks of ${chunkBytes} bytes are not ${secret.sizeBytes} bytes`);
  }
  const lastBytes = chunkLength(manifest, secret.sizeBytes, stripeCount - 1);
  const lastShardBytes = manifest.shardBytes(stripeCount - 1);
  const right = manifest.packed
    ? lastShardBytes <= maxPackedShardBytes(lastBytes, code.k)
    : lastShardBytes === shardBytesOf(lastBytes, code.k);
  if (!right) {
    throw malformed('its last stripe has not the length that the size tells');
  }
}
