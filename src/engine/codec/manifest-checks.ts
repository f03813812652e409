/** What a manifest's messages must be like before anything in them is believed. Limits: manifest-limits.ts. */
import { FILE_KEY_BYTES, TAG_BYTES } from './aead.ts';
import type { ManifestEnvelope, ManifestLayout } from './generated/manifest.ts';
import { plausibleBox } from './manifest-box.ts';
import { MAX_MANIFEST_CHUNK_BYTES, MAX_PEER_ID_CHARS, MAX_STRIPES } from './manifest-limits.ts';
import { MAX_SHARDS } from './matrix.ts';
import { malformed } from './stripe-table.ts';

/** Of the hash of a recipient's key; see docs/FORMATS.md. */
export const HINT_BYTES = 8;
const ENC_BYTES = 32;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Of what the owner's file key is made of. */
export const OWNER_SALT_BYTES = 32;

interface MessageCodec<T> {
  encode(message: NoInfer<T>): Uint8Array;
  decode(bytes: Uint8Array, options: { limits: Record<string, number> }): T;
}

/** Only the one encoding that this module writes: no unknown fields, repeated or reordered ones, so no two forms of one manifest. Throws `malformed-data`. */
export function parseCanonical<T>(
  part: string,
  bytes: Uint8Array,
  codec: MessageCodec<T>,
  limits: Record<string, number>,
): T {
  let message: T;
  let canonical: Uint8Array;
  try {
    message = codec.decode(bytes, { limits });
    canonical = codec.encode(message);
  } catch (cause) {
    throw malformed(`its ${part} is no protobuf message of this kind`, cause);
  }
  if (Buffer.compare(canonical, bytes) !== 0) throw malformed(`its ${part} is not in canonical form`);
  return message;
}

/** Lengths that are always the same. Throws `malformed-data`. */
export function checkEnvelope(envelope: ManifestEnvelope): void {
  if (envelope.signature.length !== SIGNATURE_BYTES) throw malformed('its signature has not 64 bytes');
  const { length } = envelope.ownerSalt;
  if (length !== 0 && length !== OWNER_SALT_BYTES)
    throw malformed(`the salt of its file key has ${length} bytes`);
  if (!plausibleBox(envelope.box)) throw malformed(`its sealed half has ${envelope.box.length} bytes`);
  for (const { hint, enc, ciphertext } of envelope.recipients) {
    const right =
      hint.length === HINT_BYTES &&
      enc.length === ENC_BYTES &&
      ciphertext.length === FILE_KEY_BYTES + TAG_BYTES;
    if (!right) throw malformed('a sealed file key has the wrong length');
  }
}

/** Numbers and texts within their limits. Throws `malformed-data`. */
export function checkLayout(layout: ManifestLayout): void {
  const { k, m, chunkBytes, stripeCount, owner, peers } = layout;
  if (k < 1 || k + m > MAX_SHARDS) throw malformed(`${k}+${m} is no code`);
  if (chunkBytes < 1 || chunkBytes > MAX_MANIFEST_CHUNK_BYTES)
    throw malformed(`chunks of ${chunkBytes} bytes`);
  if (layout.packing > 1) throw malformed(`its chunks are packed by an unknown way ${layout.packing}`);
  if (stripeCount === 0 && layout.packing !== 0) throw malformed('it has no chunks that could be packed');
  if (stripeCount > MAX_STRIPES) throw malformed(`${stripeCount} stripes`);
  if (owner.length !== PUBLIC_KEY_BYTES) throw malformed('its owner key has not 32 bytes');
  for (const peer of peers) {
    if (peer.length > MAX_PEER_ID_CHARS || !/^[1-9A-HJ-NP-Za-km-z]+$/.test(peer))
      throw malformed('a peer id is none');
  }
}
