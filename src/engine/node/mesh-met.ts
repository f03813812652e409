/** A node that has just started meets the mesh: it is met when nobody new came for a while. */
import type { Node } from '../node.ts';
import type { PeerId } from '../types.ts';

const QUIET_MS = 1_500;
const MEET_MS = 10_000;
const LOOK_MS = 100;
/** Of the peers that were there before; a dial to an address that swallows it takes longer. */
const REMEET_MS = 5_000;
const REMEET_LOOK_MS = 20;

export function greetedPeers(node: Node): PeerId[] {
  return node.membership
    .members()
    .filter((member) => member.greeted)
    .map(({ peerId }) => peerId);
}

/** Resolves when nobody new came for a while, or nobody comes. */
export async function meshMet(node: Node, signal: AbortSignal): Promise<void> {
  const endMs = node.clock.monotonic() + MEET_MS;
  let met = -1;
  let sinceMs = node.clock.monotonic();
  while (node.clock.monotonic() < endMs) {
    const now = greetedPeers(node).length;
    if (now !== met) {
      met = now;
      sinceMs = node.clock.monotonic();
    }
    if (met > 0 && node.clock.monotonic() - sinceMs > QUIET_MS) return;
    await node.clock.sleep(LOOK_MS, signal);
  }
}

/** Resolves when everybody whom the node knows of has answered or could not be dialled, at the latest after five seconds; at once when it knows of nobody. */
export async function peersMet(node: Node, signal: AbortSignal): Promise<void> {
  const startMs = node.clock.monotonic();
  let met = 0;
  let sinceMs = startMs;
  while (node.membership.meeting()) {
    const nowMs = node.clock.monotonic();
    const now = greetedPeers(node).length;
    if (now !== met) sinceMs = nowMs;
    met = now;
    if (nowMs - startMs > REMEET_MS || (met > 0 && nowMs - sinceMs > QUIET_MS)) return;
    await node.clock.sleep(REMEET_LOOK_MS, signal);
  }
}
