import type { Clock } from '../effects/clock.ts';
import { GOSSIP_FRESH_MS, GOSSIP_MIN_GAP_MS, NODE_INFO_MAX_AGE_MS } from './limits.ts';
import { type NodeInfo, signNodeInfo } from './node-info.ts';
import type { Spoken } from './protocol-versions.ts';

/**
 * This node's NodeInfo, signed. Heartbeats ask for a fresh one, issued anew at most every 0.3 s; hellos give out the last one, which
 * most peers have by gossip already: signing, and verifying at every peer, would otherwise be most of an idle mesh's work.
 */
export function selfInfoIssuer(
  clock: Clock,
  describe: () => Omit<NodeInfo, 'seq' | 'protocols'>,
  sign: (message: Uint8Array) => Uint8Array,
  protocols: Spoken,
): (fresh: boolean) => Uint8Array {
  let seq = 0;
  let issued: { bytes: Uint8Array; atMs: number } | undefined;
  return (fresh) => {
    const nowMs = clock.monotonic();
    const ageMs = issued === undefined ? Number.POSITIVE_INFINITY : nowMs - issued.atMs;
    if (issued === undefined || ageMs >= (fresh ? GOSSIP_MIN_GAP_MS : NODE_INFO_MAX_AGE_MS)) {
      // Wall time keeps the sequence rising over restarts; the +1 over steps of the clock, unless nobody would believe the number any more.
      const wallMs = clock.now();
      seq = seq - wallMs > GOSSIP_FRESH_MS ? wallMs : Math.max(seq + 1, wallMs);
      issued = { bytes: signNodeInfo({ ...describe(), protocols, seq }, sign), atMs: nowMs };
    }
    return issued.bytes;
  };
}
