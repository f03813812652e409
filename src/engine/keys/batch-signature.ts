/**
 * One Ed25519 signature for many messages, each of which can be verified by itself: the signature is over the root of a Merkle tree (RFC 9162 §2.1, with
 * BLAKE3), and every message carries its path to the root. Format: docs/FORMATS.md "Batch signatures".
 */
import { blake3, HASH_BYTES } from '../codec/hash.ts';
import { SIGNATURE_BYTES, verifySignature } from './raw-keys.ts';

/** Messages signed together at most: a path then has 10 hashes. */
export const MAX_SIGNED_TOGETHER = 1024;
/** index u16 | size u16 */
const PLACE_BYTES = 4;
export const MAX_BATCH_SIGNATURE_BYTES = PLACE_BYTES + 10 * HASH_BYTES + SIGNATURE_BYTES;

/** Part of what is signed, so that no other kind of signed message can be passed off as a root. */
const CONTEXT = Buffer.from('datamesh-batch-signature/1\n');
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Roots found to be rightly signed: their other messages come next. A text of some 200 characters each. */
const MAX_KNOWN_ROOTS = 1024;
const known = new Set<string>();

/** For each message what is to stand behind it, in order. Throws RangeError for none or too many. */
export function signTogether(
  messages: readonly Uint8Array[],
  sign: (message: Uint8Array) => Uint8Array,
): Uint8Array[] {
  const size = messages.length;
  if (size < 1 || size > MAX_SIGNED_TOGETHER)
    throw new RangeError(`${size} messages cannot be signed together`);
  const paths: Uint8Array[][] = messages.map(() => []);
  /** Root of the messages from `start` on, `count` of them; their paths grow from the leaf upwards. */
  const rootOf = (start: number, count: number): Uint8Array => {
    if (count === 1) return leafHash(messages[start]!);
    const left = leftHalf(count);
    const a = rootOf(start, left);
    const b = rootOf(start + left, count - left);
    for (let i = start; i < start + count; i++) paths[i]!.push(i < start + left ? b : a);
    return nodeHash(a, b);
  };
  const signature = sign(signedRoot(size, rootOf(0, size)));
  return paths.map((path, index) => {
    const place = Buffer.allocUnsafe(PLACE_BYTES);
    place.writeUInt16BE(index, 0);
    place.writeUInt16BE(size, 2);
    return Buffer.concat([place, ...path, signature]);
  });
}

/** Length of the batch signature that begins there; undefined when none can. */
export function batchSignatureBytes(bytes: Uint8Array): number | undefined {
  if (bytes.length < PLACE_BYTES) return undefined;
  const { index, size } = placeOf(bytes);
  if (size < 1 || size > MAX_SIGNED_TOGETHER || index >= size) return undefined;
  return PLACE_BYTES + sidesOf(index, size).length * HASH_BYTES + SIGNATURE_BYTES;
}

/** Whether the holder of `publicKey` signed the message, alone or among others. False for whatever is malformed; never throws. */
export function verifyTogether(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (batchSignatureBytes(signature) !== signature.length) return false;
  const { index, size } = placeOf(signature);
  let root = leafHash(message);
  let at = PLACE_BYTES;
  for (const side of sidesOf(index, size)) {
    const sibling = signature.subarray(at, (at += HASH_BYTES));
    root = side === 'left' ? nodeHash(root, sibling) : nodeHash(sibling, root);
  }
  const signed = signedRoot(size, root);
  const name = Buffer.concat([publicKey, signature.subarray(at), signed]).toString('latin1');
  if (known.has(name)) return true;
  if (!verifySignature(publicKey, signed, signature.subarray(at))) return false;
  if (known.size >= MAX_KNOWN_ROOTS) known.clear();
  known.add(name);
  return true;
}

function placeOf(signature: Uint8Array): { index: number; size: number } {
  return { index: signature[0]! * 256 + signature[1]!, size: signature[2]! * 256 + signature[3]! };
}

/** On which side the message stands at each level, from the leaf to the root: as the size and the index tell, so there is one path only. */
function sidesOf(index: number, size: number): ('left' | 'right')[] {
  const sides: ('left' | 'right')[] = [];
  let at = index;
  for (let count = size; count > 1; ) {
    const left = leftHalf(count);
    const isLeft = at < left;
    sides.push(isLeft ? 'left' : 'right');
    if (!isLeft) at -= left;
    count = isLeft ? left : count - left;
  }
  return sides.reverse();
}

/** The largest power of two below `count`. */
function leftHalf(count: number): number {
  return 2 ** (31 - Math.clz32(count - 1));
}

function leafHash(message: Uint8Array): Uint8Array {
  return blake3(Buffer.concat([LEAF, message]));
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return blake3(Buffer.concat([NODE, left, right]));
}

function signedRoot(size: number, root: Uint8Array): Uint8Array {
  const signed = Buffer.allocUnsafe(CONTEXT.length + 2 + HASH_BYTES);
  signed.set(CONTEXT);
  signed.writeUInt16BE(size, CONTEXT.length);
  signed.set(root, CONTEXT.length + 2);
  return signed;
}
