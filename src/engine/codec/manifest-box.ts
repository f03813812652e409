/** The sealed half of a manifest: the object's name, size and hash under the file key. Format: docs/FORMATS.md "Manifest". */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { DatameshError } from '../../errors.ts';
import { hkdfExpand, hkdfExtract } from '../keys/hkdf.ts';
import { TAG_BYTES } from './aead.ts';
import { ManifestSecret } from './generated/manifest.ts';
import { blake3, HASH_BYTES, hashProvider } from './hash.ts';
import {
  MAX_BOX_BYTES,
  MAX_INLINE_BYTES,
  MAX_MIME_TYPE_BYTES,
  MAX_NAME_BYTES,
  MAX_TAG_BYTES,
  MAX_TAGS,
} from './manifest-limits.ts';
import { malformed } from './stripe-table.ts';

/** What only a holder of the file key learns. */
export interface ObjectSecret {
  name: string;
  sizeBytes: number;
  /** BLAKE3-256 of the plaintext, 32 bytes. */
  contentHash: Uint8Array;
  mimeType: string;
  createdAtMs: number;
  tags: string[];
  /** The content itself of an object without stripes, at most 4 KiB. */
  inline: Uint8Array | undefined;
}

const NONCE_BYTES = 12;
const KEY_INFO = Buffer.from('datamesh/manifest-box/1');

/** Throws `bad-name` or `bad-value` for texts that are too long or no well-formed Unicode. */
export function checkSecret(secret: ObjectSecret): void {
  checkText('bad-name', 'the name', secret.name, MAX_NAME_BYTES);
  if (secret.name.length === 0) throw new DatameshError('bad-name', { what: 'an object needs a name' });
  checkText('bad-value', 'the media type', secret.mimeType, MAX_MIME_TYPE_BYTES);
  for (const tag of secret.tags) checkText('bad-value', 'a tag', tag, MAX_TAG_BYTES);
  if (secret.tags.length > MAX_TAGS) {
    throw new DatameshError('bad-value', {
      what: `${secret.tags.length} tags are too many`,
      mend: `an object can have ${MAX_TAGS}`,
    });
  }
  const numbersFit = [secret.sizeBytes, secret.createdAtMs].every(
    (it) => Number.isSafeInteger(it) && it >= 0,
  );
  if (!numbersFit || secret.contentHash.length !== HASH_BYTES)
    throw new RangeError('size, time or hash out of range');
  if (secret.inline === undefined) return;
  if (secret.inline.length > MAX_INLINE_BYTES || secret.inline.length !== secret.sizeBytes) {
    throw new RangeError('inline content is too long or not of the stated size');
  }
}

function checkText(code: 'bad-name' | 'bad-value', what: string, text: string, maxBytes: number): void {
  if (!text.isWellFormed()) throw new DatameshError(code, { what: `${what} is not well-formed Unicode` });
  const lengthBytes = Buffer.byteLength(text);
  if (lengthBytes <= maxBytes) return;
  throw new DatameshError(code, {
    what: `${what} has ${lengthBytes} bytes`,
    mend: `at most ${maxBytes} bytes of UTF-8 are possible`,
  });
}

/** Nonce | ciphertext | tag, bound to the layout. */
export function sealBox(fileKey: Uint8Array, layoutHash: Uint8Array, secret: ObjectSecret): Uint8Array {
  const { inline, sizeBytes, createdAtMs, ...rest } = secret;
  const plaintext = ManifestSecret.encode({
    ...rest,
    contentHash: new Uint8Array(secret.contentHash),
    sizeBytes,
    createdAtMs,
    ...(inline === undefined ? {} : { inlineContent: new Uint8Array(inline) }),
  });
  const { key, nonceKey } = boxKeys(fileKey, layoutHash);
  // Made from the content, so that sealing other metadata under the same file key and layout never repeats a nonce.
  const nonce = hashProvider().keyed(nonceKey, plaintext).subarray(0, NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(layoutHash);
  const ciphertext = [cipher.update(plaintext), cipher.final()];
  return Buffer.concat([nonce, ...ciphertext, cipher.getAuthTag()]);
}

/** Throws `not-authentic` when the box is not that layout's or the key not the right one, `malformed-data` for its content. */
export function openBox(fileKey: Uint8Array, layoutHash: Uint8Array, box: Uint8Array): ObjectSecret {
  return readSecret(decrypt(fileKey, layoutHash, box));
}

function decrypt(fileKey: Uint8Array, layoutHash: Uint8Array, box: Uint8Array): Uint8Array {
  const { key } = boxKeys(fileKey, layoutHash);
  const tagAt = box.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), box.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(layoutHash);
    decipher.setAuthTag(box.subarray(tagAt));
    return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, tagAt)), decipher.final()]);
  } catch (cause) {
    throw new DatameshError('not-authentic', {
      what: 'the sealed half of the manifest does not open',
      why: 'it was altered, or the file key is another object’s',
      cause,
    });
  }
}

function readSecret(plaintext: Uint8Array): ObjectSecret {
  let raw: ManifestSecret;
  try {
    raw = ManifestSecret.decode(plaintext, { limits: { tags: MAX_TAGS } });
  } catch (cause) {
    throw malformed('its sealed half is no protobuf message of this kind', cause);
  }
  const secret: ObjectSecret = {
    name: raw.name,
    sizeBytes: raw.sizeBytes,
    contentHash: raw.contentHash,
    mimeType: raw.mimeType,
    createdAtMs: raw.createdAtMs,
    tags: raw.tags,
    inline: raw.inlineContent,
  };
  try {
    checkSecret(secret);
  } catch (cause) {
    throw malformed('its sealed half holds values out of range', cause);
  }
  if (secret.inline !== undefined && Buffer.compare(blake3(secret.inline), secret.contentHash) !== 0) {
    throw malformed('its inline content has not the stated hash');
  }
  return secret;
}

/** Whether `box` can be one at all: nonce, tag and not more than the limit. */
export function plausibleBox(box: Uint8Array): boolean {
  return box.length >= NONCE_BYTES + TAG_BYTES && box.length <= MAX_BOX_BYTES;
}

/** HKDF-SHA256 (RFC 5869) of the file key with the layout's hash as salt: 32 bytes for AES-256-GCM, 32 for the nonce. */
function boxKeys(fileKey: Uint8Array, layoutHash: Uint8Array): { key: Uint8Array; nonceKey: Uint8Array } {
  const both = hkdfExpand(hkdfExtract(layoutHash, fileKey), KEY_INFO, 64);
  return { key: both.subarray(0, 32), nonceKey: both.subarray(32) };
}
