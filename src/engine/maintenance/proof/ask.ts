/** Making a holder prove shards, as many as it takes questions: what census, audit, drain and `prove` are made of. */
import { asDatameshError } from '../../../errors.ts';
import type { Backend } from '../../backends/backend.ts';
import type { Random } from '../../effects/random.ts';
import type { ShardId } from '../../types.ts';
import { type Attestation, type Verdict, verdictsOf } from './attestation.ts';
import { MAX_PROOF_IDS, NONCE_BYTES } from './challenge.ts';
import type { ProofMemory } from './memory.ts';

/** The holder reads and hashes whole shards, and may have others to answer before. */
export const PROVE_TIMEOUT_MS = 60_000;
/** Shards of one question: a second or two of a slow disk. */
const MAX_QUESTION_BYTES = 64 * 1024 * 1024;
/** Taken for a shard of which nobody knows how long it is: a manifest. */
const UNKNOWN_BYTES = 16 * 1024;

export interface WantedShard {
  id: ShardId;
  lengthBytes?: number | undefined;
}

export type OnAttestation = (
  attestation: Attestation,
  ids: readonly ShardId[],
  nonce: Uint8Array,
  verdicts: readonly Verdict[],
) => void;

export interface ProveOptions {
  random: Pick<Random, 'bytes'>;
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  memory?: ProofMemory | undefined;
  /** Given each signed answer and the question it answers. */
  onAttestation?: OnAttestation | undefined;
}

/**
 * A verdict for each shard that the holder answered for. Throws the holder's failure (`peer-unreachable`, `timeout` …) as soon as a question is not
 * answered.
 */
export async function proveShards(
  backend: Backend,
  shards: readonly WantedShard[],
  options: ProveOptions,
): Promise<Map<ShardId, Verdict>> {
  const found = new Map<ShardId, Verdict>();
  const questions = questionsOf(shards);
  for (let question = questions.shift(); question !== undefined; question = questions.shift()) {
    options.signal?.throwIfAborted();
    const nonce = options.random.bytes(NONCE_BYTES);
    try {
      const timeoutMs = options.timeoutMs ?? PROVE_TIMEOUT_MS;
      const attestation = await backend.prove(question, nonce, { timeoutMs, signal: options.signal });
      const verdicts = verdictsOf(attestation, backend.id, question, nonce);
      options.memory?.note(backend.id, question, verdicts);
      for (const [at, id] of question.entries()) found.set(id, verdicts[at]!);
      options.onAttestation?.(attestation, question, nonce, verdicts);
    } catch (error) {
      // More bytes than a holder proves at once: their lengths were not known here.
      if (asDatameshError(error).code !== 'denied' || question.length === 1) throw error;
      const half = question.length >> 1;
      questions.unshift(question.slice(0, half), question.slice(half));
    }
  }
  return found;
}

/** Which of them the holder proves: none when there is nobody to ask. Throws as `proveShards`. */
export async function provedBy(
  backend: Backend | undefined,
  shards: readonly WantedShard[],
  options: ProveOptions,
): Promise<ReadonlySet<ShardId>> {
  if (backend === undefined) return new Set();
  const verdicts = await proveShards(backend, shards, options);
  const proved = new Set([...verdicts].filter(([, verdict]) => verdict === 'proved').map(([id]) => id));
  // Asked after copying: what was proved so is not asked for again when a census finds it there.
  for (const id of proved) options.memory?.foundAt(backend.id, id);
  return proved;
}

function questionsOf(shards: readonly WantedShard[]): ShardId[][] {
  const questions: ShardId[][] = [];
  let sumBytes = Number.POSITIVE_INFINITY;
  for (const { id, lengthBytes } of shards) {
    const bytes = lengthBytes ?? UNKNOWN_BYTES;
    const last = questions.at(-1);
    if (last === undefined || last.length === MAX_PROOF_IDS || sumBytes + bytes > MAX_QUESTION_BYTES) {
      questions.push([id]);
      sumBytes = bytes;
    } else {
      last.push(id);
      sumBytes += bytes;
    }
  }
  return questions;
}
