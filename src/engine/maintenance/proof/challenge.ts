/** Which chunk a holder is asked for, and the form of its answers. docs/FORMATS.md "Proofs". */
import { DatameshError } from '../../../errors.ts';
import { blake3 } from '../../codec/hash.ts';
import { bytesToHex, hexToBytes, type PeerId, type ShardId } from '../../types.ts';
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

export const NONCE_BYTES = 32;
/** Shards in one attestation: their ids fit a request's header, and the answer is at most 800 KiB. */
export const MAX_PROOF_IDS = 256;
/** 256 slices of the largest shards: two chunks and 31 chaining values each, at most. */
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

/** The answer of a holder that has these bytes; undefined when they are not those of the id: rot, found by hashing all of them. */
export function answerOf(
  nonce: Uint8Array,
  holder: PeerId,
  id: ShardId,
  bytes: Uint8Array,
): Uint8Array | undefined {
  const tree: HashTree = treeOf(bytes);
  if (bytesToHex(rootOf(tree)) !== id) return undefined;
  const slice = sliceOf(tree, bytes, challengedChunk(nonce, holder, id, bytes.length));
  const answer = Buffer.alloc(LENGTH_BYTES + slice.length);
  answer.writeUInt32BE(bytes.length);
  answer.set(slice, LENGTH_BYTES);
  return answer;
}

/** Length of the shard that the answer proves to be at the holder; undefined when it proves nothing. Never throws. */
export function provedBytes(
  nonce: Uint8Array,
  holder: PeerId,
  id: ShardId,
  answer: Uint8Array,
): number | undefined {
  const lengthBytes = lengthIn(answer, 0);
  if (lengthBytes === undefined) return undefined;
  const chunk = challengedChunk(nonce, holder, id, lengthBytes);
  const proved = verifySlice(hexToBytes(id), lengthBytes, chunk, answer.subarray(LENGTH_BYTES));
  return proved ? lengthBytes : undefined;
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
): (Uint8Array | undefined)[] {
  let at = 0;
  const answers = ids.map((id) => {
    const flag = bytes[at++];
    if (flag === ABSENT) return undefined;
    const lengthBytes = flag === PRESENT ? lengthIn(bytes, at) : undefined;
    if (lengthBytes === undefined) throw malformed();
    const end = at + LENGTH_BYTES + sliceBytes(lengthBytes, challengedChunk(nonce, holder, id, lengthBytes));
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
