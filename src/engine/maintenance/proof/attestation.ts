/**
 * An attestation: what a holder answered to one nonce, signed by its device key, so that it is a document for anybody. docs/FORMATS.md "Proofs".
 * It proves that the shards could be read there when the nonce was known; not that the holder keeps them rather than fetching them when asked.
 */
import { asDatameshError } from '../../../errors.ts';
import { isFolderId } from '../../backends/folder-marker.ts';
import { blake3, HASH_BYTES } from '../../codec/hash.ts';
import { freeNow } from '../../codec/memory.ts';
import { publicKeyOfPeer, verifySignature } from '../../keys/raw-keys.ts';
import { hexToBytes, type PeerId, type ShardId } from '../../types.ts';
import { answerOf, encodeAnswers, MAX_PROOF_IDS, NONCE_BYTES, provedBytes } from './challenge.ts';
import { Coefficients } from './coefficients.ts';

export interface Attestation {
  /** The place that answered: a node, or a folder of one. */
  holder: PeerId;
  /** The node whose device key signed: the holder, or the node that uses the folder. */
  signer: PeerId;
  /** By the signer's clock. */
  signedAtMs: number;
  /** Ed25519, 64 bytes, over ids and answers. */
  signature: Uint8Array;
  /** In the order of the ids: undefined where it said that it has no such shard, else what `provedBytes` checks. */
  answers: (Uint8Array | undefined)[];
  /** What the sums behind the answers were made with (`sumKeyOf`), and signed; undefined where there are none. */
  sumKey?: Uint8Array | undefined;
}

/** Who signs what a node says of its shards. */
export interface Attester {
  peerId: PeerId;
  sign(message: Uint8Array): Uint8Array;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
}

/** `proved`: it has the shard. `absent`: it said that it has not. `wrong`: what it said is refuted, or not signed by it. */
export type Verdict = 'proved' | 'absent' | 'wrong';

const CONTEXT = Buffer.from('datamesh/attest/1\n');
const CONTEXT_WITH_SUMS = Buffer.from('datamesh/attest/2\n');

/** Throws RangeError for a nonce that is none, or more ids than one attestation holds: the asker's mistake. */
export function checkQuestion(ids: readonly ShardId[], nonce: Uint8Array): void {
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce has ${NONCE_BYTES} bytes`);
  if (ids.length > MAX_PROOF_IDS) throw new RangeError(`at most ${MAX_PROOF_IDS} shards are proved at once`);
}

export interface AttestOptions {
  /** Told of bytes that do not fit their id, which count as absent. */
  rotten?: ((id: ShardId) => Promise<void>) | undefined;
  /** Sums are asked for, with the coefficients of this key. */
  sumKey?: Uint8Array | undefined;
}

/**
 * The holder's side: reads each shard whole, one after another, and signs what it found. `read` gives undefined for what is not there; what the disk does not give
 * (`failed`) is not there either, anything else that it throws ends the question; `into` is memory for a shard, the same for each.
 */
export async function attest(
  attester: Attester,
  holder: PeerId,
  ids: readonly ShardId[],
  nonce: Uint8Array,
  read: (id: ShardId, into: (lengthBytes: number) => Uint8Array) => Promise<Uint8Array | undefined>,
  { rotten, sumKey }: AttestOptions = {},
): Promise<Attestation> {
  checkQuestion(ids, nonce);
  const answers: (Uint8Array | undefined)[] = [];
  const coefficients = sumKey && new Coefficients(sumKey);
  let memory = new Uint8Array(0);
  const into = (lengthBytes: number) => {
    if (memory.length < lengthBytes) memory = Buffer.allocUnsafeSlow(lengthBytes);
    return memory.subarray(0, lengthBytes);
  };
  for (const id of ids) {
    const bytes = await unlessUnreadable(read(id, into));
    const answer = bytes && answerOf(nonce, holder, id, bytes, coefficients);
    if (bytes !== undefined && answer === undefined) await rotten?.(id);
    answers.push(answer);
  }
  freeNow(memory);
  return signAnswers(attester, holder, ids, nonce, answers, sumKey);
}

/** Undefined for a shard that the disk does not give: one bad sector costs its shard, not those that were asked for with it. */
export async function unlessUnreadable(
  reading: Promise<Uint8Array | undefined>,
): Promise<Uint8Array | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (asDatameshError(error).code !== 'failed') throw error;
    return undefined;
  }
}

export function signAnswers(
  attester: Attester,
  holder: PeerId,
  ids: readonly ShardId[],
  nonce: Uint8Array,
  answers: (Uint8Array | undefined)[],
  sumKey?: Uint8Array,
): Attestation {
  const said = { holder, signer: attester.peerId, signedAtMs: attester.now(), answers, sumKey };
  return { ...said, signature: attester.sign(statement(said, ids, nonce)) };
}

/** Whether the signer's device key signed exactly these answers to this question. Never throws. */
export function isSigned(attestation: Attestation, ids: readonly ShardId[], nonce: Uint8Array): boolean {
  const { holder, signer, signedAtMs, signature, answers, sumKey } = attestation;
  const publicKey = publicKeyOfPeer(signer);
  if (publicKey === undefined || answers.length !== ids.length || holder.length > 128) return false;
  // A folder has no key: the node that uses it speaks for it.
  if (holder !== signer && !isFolderId(holder)) return false;
  if (!Number.isSafeInteger(signedAtMs) || signedAtMs < 0) return false;
  if (sumKey !== undefined && sumKey.length !== HASH_BYTES) return false;
  return verifySignature(publicKey, statement(attestation, ids, nonce), signature);
}

/** What the attestation of `holder` says of each id, checked. Never throws. */
export function verdictsOf(
  attestation: Attestation,
  holder: PeerId,
  ids: readonly ShardId[],
  nonce: Uint8Array,
): Verdict[] {
  if (attestation.holder !== holder || !isSigned(attestation, ids, nonce)) return ids.map(() => 'wrong');
  return ids.map((id, at) => {
    const answer = attestation.answers[at];
    if (answer === undefined) return 'absent';
    const hasSum = attestation.sumKey !== undefined;
    return provedBytes(nonce, holder, id, answer, hasSum) === undefined ? 'wrong' : 'proved';
  });
}

/** What is signed: the place, the question and the answers. */
function statement(
  { holder, signedAtMs, answers, sumKey }: Omit<Attestation, 'signature'>,
  ids: readonly ShardId[],
  nonce: Uint8Array,
): Uint8Array {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(signedAtMs));
  const list = blake3(Buffer.concat([...ids.map((id) => hexToBytes(id)), encodeAnswers(answers)]));
  const question = sumKey === undefined ? [CONTEXT, nonce] : [CONTEXT_WITH_SUMS, nonce, sumKey];
  return Buffer.concat([...question, time, Uint8Array.of(holder.length), Buffer.from(holder), list]);
}
