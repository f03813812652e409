/** Which chunk a holder is asked for, and the form of its answers. docs/FORMATS.md "Proofs". */
import { DatameshError } from '../../../errors.ts';
import { blake3 } from '../../codec/hash.ts';
import { bytesToHex, hexToBytes, type PeerId, type ShardId } from '../../types.ts';
import type { Coefficients } from './coefficients.ts';
import {
  chunksOf,
  type HashTree,
  isLength,
  rootOf,
  sliceBytes,
  sliceOf,
  treeOf,
  verifySlice,
} from './slice.ts';
import { sumBytes, sumOf } from './sum.ts';

export const NONCE_BYTES = 32;
/** Shards in one attestation: their ids fit a request's header, and the answer is at most 800 KiB, 1,041,664 bytes with sums. */
export const MAX_PROOF_IDS = 256;
/** 256 slices of the largest shards: two chunks and 31 chaining values each, at most; and a sum as long as a chunk. */
export const MAX_ANSWER_BYTES = 1024 * 1024;

const CHALLENGE_CONTEXT = Buffer.from('datamesh/challenge/1\n');
const ABSENT = 0;
const PRESENT = 1;
const LENGTH_BYTES = 4;

/** Number of the chunk that proves the shard to whoever chose the nonce. `holder`: the node or folder that is asked. */
export function challengedChunk(nonce: Uint8Array, holder: PeerId, id: ShardId, lengthBytes: number): number {
  const hash = blake3(
    Buffer.concat([
      CHALLENGE_CONTEXT,
      nonce,
      Uint8Array.of(holder.length),
      Buffer.from(holder),
      hexToBytes(id),
    ]),
  );
  const number = Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).readBigUInt64LE(0);
  return Number(number % BigInt(chunksOf(lengthBytes)));
}

/** The answer of a holder that has these bytes, with their sum behind it when coefficients are given; undefined when they are not those of the id: rot, found by hashing all of them. */
export function answerOf(
  nonce: Uint8Array,
  holder: PeerId,
  id: ShardId,
  bytes: Uint8Array,
  coefficients?: Coefficients,
): Uint8Array | undefined {
  const tree: HashTree = treeOf(bytes);
  if (bytesToHex(rootOf(tree)) !== id) return undefined;
  const slice = sliceOf(tree, bytes, challengedChunk(nonce, holder, id, bytes.length));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(bytes.length);
  const sum = coefficients === undefined ? [] : [sumOf(bytes, coefficients)];
  return Buffer.concat([length, slice, ...sum]);
}

/** Length of the shard that the answer proves to be at the holder; undefined when it proves nothing. Its sum, where it has one, proves nothing by itself. Never throws. */
export function provedBytes(
  nonce: Uint8Array,
  holder: PeerId,
  id: ShardId,
  answer: Uint8Array,
  hasSum = false,
): number | undefined {
  const lengthBytes = lengthIn(answer, 0);
  if (lengthBytes === undefined) return undefined;
  const end = answer.length - (hasSum ? sumBytes(lengthBytes) : 0);
  const chunk = challengedChunk(nonce, holder, id, lengthBytes);
  const proved = verifySlice(
    hexToBytes(id),
    lengthBytes,
    chunk,
    answer.subarray(LENGTH_BYTES, Math.max(end, LENGTH_BYTES)),
  );
  return proved ? lengthBytes : undefined;
}

/** The sum behind an answer that proves something, and the length of its shard. Throws RangeError for one that is no answer. */
export function sumIn(answer: Uint8Array): { lengthBytes: number; sum: Uint8Array } {
  const lengthBytes = lengthIn(answer, 0);
  if (lengthBytes === undefined) throw new RangeError('an answer that proves something begins with a length');
  return { lengthBytes, sum: answer.subarray(answer.length - sumBytes(lengthBytes)) };
}

/** Answers in the order of the ids: 0 for a shard that is not there, 1 and the answer for one that is. */
export function encodeAnswers(answers: readonly (Uint8Array | undefined)[]): Uint8Array {
  return Uint8Array.from(
    Buffer.concat(
      answers.flatMap((answer) =>
        answer === undefined ? [Uint8Array.of(ABSENT)] : [Uint8Array.of(PRESENT), answer],
      ),
    ),
  );
}

/**
 * The lengths that a holder claims say where each answer ends, and every claim is bounded. Throws `malformed-data`. The answers are views of
 * `bytes`.
 */
export function decodeAnswers(
  nonce: Uint8Array,
  holder: PeerId,
  ids: readonly ShardId[],
  bytes: Uint8Array,
  haveSums = false,
): (Uint8Array | undefined)[] {
  let at = 0;
  const answers = ids.map((id) => {
    const flag = bytes[at++];
    if (flag === ABSENT) return undefined;
    const lengthBytes = flag === PRESENT ? lengthIn(bytes, at) : undefined;
    if (lengthBytes === undefined) throw malformed();
    const slice = sliceBytes(lengthBytes, challengedChunk(nonce, holder, id, lengthBytes));
    const end = at + LENGTH_BYTES + slice + (haveSums ? sumBytes(lengthBytes) : 0);
    if (end > bytes.length) throw malformed();
    const answer = bytes.subarray(at, end);
    at = end;
    return answer;
  });
  if (at !== bytes.length) throw malformed();
  return answers;
}

function lengthIn(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.length < at + LENGTH_BYTES) return undefined;
  const lengthBytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32BE(at);
  return isLength(lengthBytes) ? lengthBytes : undefined;
}

function malformed(): DatameshError {
  return new DatameshError('malformed-data', { what: 'a list of proofs is malformed' });
}
