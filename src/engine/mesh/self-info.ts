import type { Clock } from '../effects/clock.ts';
import { NODE_INFO_MIN_AGE_MS } from './limits.ts';
import { type NodeInfo, signNodeInfo } from './node-info.ts';

/**
 * This node's NodeInfo as it is now, signed. Issued anew at most once a second: signing, and verifying at every
 * peer, would otherwise be a visible share of an idle mesh's work.
 */
export function selfInfoIssuer(
  clock: Clock,
  describe: () => Omit<NodeInfo, 'seq'>,
  sign: (message: Uint8Array) => Uint8Array,
): () => Uint8Array {
  let seq = 0;
  let issued: { bytes: Uint8Array; atMs: number } | undefined;
  return () => {
    const nowMs = clock.monotonic();
    if (issued === undefined || nowMs - issued.atMs >= NODE_INFO_MIN_AGE_MS) {
      // Wall time keeps the sequence rising over restarts; the +1 over steps of the clock.
      seq = Math.max(seq + 1, clock.now());
      issued = { bytes: signNodeInfo({ ...describe(), seq }, sign), atMs: nowMs };
    }
    return issued.bytes;
  };
}
