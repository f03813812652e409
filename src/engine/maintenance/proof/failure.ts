/** What it means that a holder was asked for a proof and gave none. */
import type { DatameshError } from '../../../errors.ts';
import type { Backend } from '../../backends/backend.ts';
import { ASK_TIMEOUT_MS } from '../../transfer/limits.ts';
import type { ShardId } from '../../types.ts';
import { isBusy } from './gate.ts';
import type { ProofMemory } from './memory.ts';

/** No answer, or none before others are done; everything else is what the holder has to say instead of a proof. */
export function isSilence(failure: DatameshError): boolean {
  if (failure.code === 'peer-unreachable') return failure.details?.status === undefined;
  return failure.code === 'timeout' || isBusy(failure);
}

export interface Doubt {
  memory?: ProofMemory | undefined;
  signal?: AbortSignal | undefined;
  /** The holder has just said that it has what it was asked to prove. */
  claimed?: boolean | undefined;
}

/**
 * A refusal, and an answer that makes no sense, is a failed proof of what the holder still says that it has. Silence may be a node that is away, so it is one only when it
 * comes again and again while the holder answers otherwise. Asked for that at the wrong moment a liar would be silent here as well: that it has just claimed the
 * shards is answer enough. False when it answers nothing: there is no use in asking on.
 */
export async function learnFrom(
  failure: DatameshError,
  backend: Backend,
  ids: readonly ShardId[],
  { memory, signal, claimed }: Doubt,
): Promise<boolean> {
  let held: boolean[];
  try {
    held = await backend.has(ids, { timeoutMs: ASK_TIMEOUT_MS, signal });
  } catch {
    signal?.throwIfAborted();
    if (claimed === true) memory?.unanswered(backend.id, ids);
    return false;
  }
  const said = ids.filter((_, at) => held[at]);
  if (isSilence(failure)) memory?.unanswered(backend.id, said);
  else memory?.failedAll(backend.id, said);
  return true;
}
