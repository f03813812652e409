/** A speed test of one peer, found by what a person types. */
import { DatameshError } from '../../errors.ts';
import type { CallOptions } from '../engine.ts';
import type { Member } from '../mesh/membership.ts';
import { namesOf, type PeerNames } from '../mesh/nicknames.ts';
import { nodeCalled } from '../mesh/peer-refs.ts';
import { testSpeed } from '../mesh/speed-test.ts';
import type { Node } from '../node.ts';
import type { SpeedReport } from '../views/mesh.ts';

export async function speedOf(
  node: Node,
  peer: string,
  durationMs: number,
  call: CallOptions = {},
): Promise<SpeedReport> {
  const { peerId, name } = peerCalled(node, peer);
  const before = node.traffic.planes(peerId);
  const [libp2pBefore, tlsBefore] = [bytesOf(before.libp2p), bytesOf(before.tls)];
  const figures = await testSpeed(node, peerId, durationMs, call.signal);
  const after = node.traffic.planes(peerId);
  const tls = bytesOf(after.tls) - tlsBefore;
  const all = bytesOf(after.libp2p) - libp2pBefore + tls;
  return { peerId, name, ...figures, tlsShare: all === 0 ? 0 : tls / all };
}

function bytesOf(counter: { sentBytes: number; receivedBytes: number }): number {
  return counter.sentBytes + counter.receivedBytes;
}

/** The connected peer with this name, or this beginning or end of its id. */
function peerCalled(node: Node, text: string): Member & PeerNames {
  const members = node.membership
    .members()
    .map((member) => ({ ...member, ...namesOf(node.options, member.peerId, member.info?.name) }));
  const found = nodeCalled(members, text);
  if (!found.greeted) {
    throw new DatameshError('peer-unreachable', {
      what: `peer ${found.name ?? found.peerId} is ${found.state}`,
      mend: 'start it, or test another: datamesh peers --connected',
    });
  }
  return found;
}
