/** Making a holder prove shards, as many as it takes questions: what census, audit, drain and `prove` are made of. */
import { asDatameshError, DatameshError } from '../../../errors.ts';
import type { Backend } from '../../backends/backend.ts';
import type { Random } from '../../effects/random.ts';
import { ASK_TIMEOUT_MS } from '../../transfer/limits.ts';
import type { ShardId } from '../../types.ts';
import { type Attestation, type Verdict, verdictsOf } from './attestation.ts';
import { MAX_PROOF_IDS, NONCE_BYTES } from './challenge.ts';
import { type Doubt, isSilence, learnFrom } from './failure.ts';
import type { Look } from './look.ts';

/** The holder reads and hashes whole shards, and may have others to answer before. */
export const PROVE_TIMEOUT_MS = 60_000;
/** Shards of one question: a second or two of a slow disk. */
const MAX_QUESTION_BYTES = 64 * 1024 * 1024;
/** Taken for a shard of which nobody knows how long it is: a manifest. */
const UNKNOWN_BYTES = 16 * 1024;
/** Questions in a row without an answer, and those for a single shard. As a part has half of the time of the whole, a holder that answers nothing costs twice the limit. */
const MAX_SILENCES = 3;
/** Of one question: finds eight shards among 256 of which an older holder cannot speak, and ends with one that refuses everything. */
const MAX_HALVINGS = 64;

export interface WantedShard {
  id: ShardId;
  lengthBytes?: number | undefined;
}

/** What a proof has shown. `doubted`: a chunk of a shard that was refuted as a whole, which only its sum, or taking it anew, makes good (memory.ts). */
export type Shown = Verdict | 'doubted';

export type OnAttestation = (
  attestation: Attestation,
  ids: readonly ShardId[],
  nonce: Uint8Array,
  verdicts: readonly Shown[],
) => void;

/** The memory learns every verdict, and what it means that there is none (failure.ts). */
export interface ProveOptions extends Doubt {
  random: Pick<Random, 'bytes'>;
  timeoutMs?: number | undefined;
  /** Given each signed answer and the question it answers. */
  onAttestation?: OnAttestation | undefined;
  /** Sums are asked for as well, and gathered there. */
  look?: Look | undefined;
}

/**
 * A verdict for each shard that the holder answered for. What it does not answer is asked for once more in parts, then left out: one lost answer, or one shard of which
 * it cannot speak, does not cost the others theirs. Throws the holder's failure (`peer-unreachable`, `timeout`, `denied` …) when it answers nothing at all.
 */
export async function proveShards(
  backend: Backend,
  shards: readonly WantedShard[],
  options: ProveOptions,
): Promise<Map<ShardId, Shown>> {
  const found = new Map<ShardId, Shown>();
  const failure = await askAll(backend, questionsOf(shards), options, found);
  if (found.size === 0 && failure !== undefined) throw failure;
  return found;
}

interface Question {
  ids: ShardId[];
  timeoutMs: number;
  /** How often these were asked for without an answer. */
  silences: number;
}

/** Adds the verdicts, and gives the first failure. */
async function askAll(
  backend: Backend,
  questions: readonly ShardId[][],
  options: ProveOptions,
  found: Map<ShardId, Shown>,
): Promise<DatameshError | undefined> {
  let first: DatameshError | undefined;
  let inRow = 0;
  for (const ids of questions) {
    const parts: Question[] = [{ ids, timeoutMs: options.timeoutMs ?? PROVE_TIMEOUT_MS, silences: 0 }];
    let halvings = 0;
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const failure = await answered(backend, part, options, found);
      first ??= failure;
      const isSilent = failure !== undefined && isSilence(failure);
      inRow = isSilent ? inRow + 1 : 0;
      if (failure === undefined) continue;
      if (!isSilent && part.ids.length > 1 && halvings++ < MAX_HALVINGS) {
        // More bytes than a holder proves at once, their lengths were not known here; or one of an older version that cannot read one of them.
        parts.unshift(...halvesOf(part));
        continue;
      }
      const isThere = await learnFrom(failure, backend, part.ids, options);
      if (!isThere || inRow === MAX_SILENCES) return first;
      // Behind the others: one shard that is never answered for does not keep them from their turn.
      if (isSilent) parts.push(...onceMore(part));
    }
  }
  return first;
}

/** Asks one question; undefined when the verdicts are found, else why not. Throws when that is not the holder's doing. */
async function answered(
  backend: Backend,
  { ids, timeoutMs }: Question,
  options: ProveOptions,
  found: Map<ShardId, Shown>,
): Promise<DatameshError | undefined> {
  const { signal, memory, look } = options;
  signal?.throwIfAborted();
  const nonce = options.random.bytes(NONCE_BYTES);
  let attestation: Attestation;
  try {
    attestation = await backend.prove(ids, nonce, { timeoutMs, signal, seed: look?.seed });
  } catch (error) {
    signal?.throwIfAborted();
    const failure = asDatameshError(error);
    if (failure.code === 'cancelled' || failure.code === 'internal') throw error;
    return failure;
  }
  const proofs = verdictsOf(attestation, backend.id, ids, nonce);
  memory?.note(backend.id, ids, proofs);
  look?.add(attestation, ids, (at) => proofs[at] === 'proved');
  const verdicts = proofs.map(
    (verdict, at): Shown =>
      verdict === 'proved' && memory?.isRefuted(backend.id, ids[at]!) === true ? 'doubted' : verdict,
  );
  for (const [at, id] of ids.entries()) found.set(id, verdicts[at]!);
  options.onAttestation?.(attestation, ids, nonce, verdicts);
  return undefined;
}

function halvesOf({ ids, ...rest }: Question): Question[] {
  const half = ids.length >> 1;
  return [ids.slice(0, half), ids.slice(half)].map((some) => ({ ...rest, ids: some }));
}

/** The parts of what was not answered, each with half of the time; a single one as it is, unless it was asked for often enough. */
function onceMore({ ids, timeoutMs, silences }: Question): Question[] {
  const least = Math.min(timeoutMs, ASK_TIMEOUT_MS);
  const again = { ids, timeoutMs: Math.max(timeoutMs / 2, least), silences: silences + 1 };
  if (ids.length > 1) return halvesOf(again);
  return again.silences < MAX_SILENCES ? [again] : [];
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
