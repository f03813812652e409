/**
 * Whoever wanted to hide losses had only to say that it has everything, so nobody's word counts for what no owner noted there: it is proved, once. Censuses of
 * owners and of custodians alike ask here.
 */
import type { Backend } from '../../backends/backend.ts';
import type { ShardId } from '../../types.ts';
import { type ProveOptions, proveShards, type WantedShard } from './ask.ts';

export interface ElsewhereOptions extends ProveOptions {
  /** What was proved there before is proved again. */
  again?: boolean | undefined;
}

/** Calls `shown` for each shard that the holder has proved, now or before: also for those before a question that it did not answer, which throws as `proveShards`. */
export async function showElsewhere(
  backend: Backend,
  said: readonly WantedShard[],
  { again, ...options }: ElsewhereOptions,
  shown: (id: ShardId) => void,
): Promise<void> {
  const { memory } = options;
  const isKnown = (id: ShardId) => again !== true && memory?.wasFoundAt(backend.id, id) === true;
  for (const { id } of said) if (isKnown(id)) shown(id);
  await proveShards(
    backend,
    said.filter(({ id }) => !isKnown(id)),
    {
      ...options,
      claimed: true,
      onAttestation(attestation, ids, nonce, verdicts) {
        for (const [at, id] of ids.entries()) {
          if (verdicts[at] !== 'proved') continue;
          memory?.foundAt(backend.id, id);
          shown(id);
        }
        options.onAttestation?.(attestation, ids, nonce, verdicts);
      },
    },
  );
}
