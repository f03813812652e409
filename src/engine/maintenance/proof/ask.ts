/** Making a holder prove shards, as many as it takes questions: what census, audit, drain and `prove` are made of. */
import { asDatameshError, DatameshError } from '../../../errors.ts';
import type { Backend } from '../../backends/backend.ts';
import type { Random } from '../../effects/random.ts';
import type { ShardId } from '../../types.ts';
import { type Attestation, type Verdict, verdictsOf } from './attestation.ts';
import { MAX_PROOF_IDS, NONCE_BYTES } from './challenge.ts';
import { isBusy } from './gate.ts';
import type { ProofMemory } from './memory.ts';

/** The holder reads and hashes whole shards, and may have others to answer before. */
export const PROVE_TIMEOUT_MS = 60_000;
/** Shards of one question: a second or two of a slow disk. */
const MAX_QUESTION_BYTES = 64 * 1024 * 1024;
/** Taken for a shard of which nobody knows how long it is: a manifest. */
const UNKNOWN_BYTES = 16 * 1024;
/** Questions in a row without an answer, each part with half of the time of the whole: twice the time limit, then nobody waits on. */
const MAX_SILENCES = 3;
/** Of one question: finds eight shards among 256 of which an older holder cannot speak, and ends with one that refuses everything. */
const MAX_HALVINGS = 64;

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
 * A verdict for each shard that the holder answered for. What it does not answer is asked for once more in parts, then left out: one lost answer, or one shard of which
 * it cannot speak, does not cost the others theirs. Throws the holder's failure (`peer-unreachable`, `timeout`, `denied` …) when it answers nothing at all.
 */
export async function proveShards(
  backend: Backend,
  shards: readonly WantedShard[],
  options: ProveOptions,
): Promise<Map<ShardId, Verdict>> {
  const found = new Map<ShardId, Verdict>();
  let failure: DatameshError | undefined;
  let silences = 0;
  for (const whole of questionsOf(shards)) {
    const parts: Question[] = [{ ids: whole, timeoutMs: options.timeoutMs ?? PROVE_TIMEOUT_MS }];
    let halvings = 0;
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const failed = await answered(backend, part, options, found);
      if (failed === undefined) {
        silences = 0;
        continue;
      }
      failure ??= failed;
      if (isSilence(failed)) {
        if (++silences === MAX_SILENCES) parts.length = 0;
        else parts.unshift(...halvesOf({ ...part, timeoutMs: part.timeoutMs / 2 }));
      } else if (part.ids.length > 1 && halvings++ < MAX_HALVINGS) {
        // More bytes than a holder proves at once, their lengths were not known here; or one of an older version that cannot read one of them.
        parts.unshift(...halvesOf(part));
      }
    }
    if (silences === MAX_SILENCES) break;
  }
  if (found.size === 0 && failure !== undefined) throw failure;
  return found;
}

interface Question {
  ids: ShardId[];
  timeoutMs: number;
}

/** Asks one question; undefined when the verdicts are found, else why not. Throws when that is not the holder's doing. */
async function answered(
  backend: Backend,
  { ids, timeoutMs }: Question,
  options: ProveOptions,
  found: Map<ShardId, Verdict>,
): Promise<DatameshError | undefined> {
  const { signal } = options;
  signal?.throwIfAborted();
  const nonce = options.random.bytes(NONCE_BYTES);
  let attestation: Attestation;
  try {
    attestation = await backend.prove(ids, nonce, { timeoutMs, signal });
  } catch (error) {
    signal?.throwIfAborted();
    const failure = asDatameshError(error);
    if (failure.code === 'cancelled' || failure.code === 'internal') throw error;
    return failure;
  }
  const verdicts = verdictsOf(attestation, backend.id, ids, nonce);
  options.memory?.note(backend.id, ids, verdicts);
  for (const [at, id] of ids.entries()) found.set(id, verdicts[at]!);
  options.onAttestation?.(attestation, ids, nonce, verdicts);
  return undefined;
}

/** No answer, or none before others are done; everything else is what the holder has to say instead of a proof. */
function isSilence(failure: DatameshError): boolean {
  if (failure.code === 'peer-unreachable') return failure.details?.status === undefined;
  return failure.code === 'timeout' || isBusy(failure);
}

/** A single one is asked for once more as it is. */
function halvesOf({ ids, timeoutMs }: Question): Question[] {
  const half = ids.length >> 1;
  return [ids.slice(0, half), ids.slice(half)]
    .filter(({ length }) => length > 0)
    .map((some) => ({ ids: some, timeoutMs }));
}

/** Which of them the holder proves: none when there is nobody to ask. Throws as `proveShards`, and when it answers for some of them alone. */
export async function provedBy(
  backend: Backend | undefined,
  shards: readonly WantedShard[],
  options: ProveOptions,
): Promise<ReadonlySet<ShardId>> {
  if (backend === undefined) return new Set();
  const verdicts = await proveShards(backend, shards, options);
  if (shards.some(({ id }) => !verdicts.has(id))) {
    throw new DatameshError('peer-unreachable', { what: 'the holder answered for some of the shards alone' });
  }
  return new Set([...verdicts].filter(([, verdict]) => verdict === 'proved').map(([id]) => id));
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
