/** A speed test of one peer, found by what a person types. */
import { DatameshError } from '../errors.ts';
import type { CallOptions } from './engine.ts';
import type { Member } from './mesh/membership.ts';
import { testSpeed } from './mesh/speed-test.ts';
import type { SpeedReport } from './mesh-views.ts';
import type { Node } from './node.ts';

/** Ends of ids shorter than this fit too many. */
const MIN_ID_PART = 4;

export async function speedOf(
  node: Node,
  peer: string,
  durationMs: number,
  call: CallOptions = {},
): Promise<SpeedReport> {
  const { peerId, info } = peerCalled(node, peer);
  const before = node.traffic.planes(peerId);
  const [libp2pBefore, tlsBefore] = [bytesOf(before.libp2p), bytesOf(before.tls)];
  const figures = await testSpeed(node, peerId, durationMs, call.signal);
  const after = node.traffic.planes(peerId);
  const tls = bytesOf(after.tls) - tlsBefore;
  const all = bytesOf(after.libp2p) - libp2pBefore + tls;
  return { peerId, name: info?.name, ...figures, tlsShare: all === 0 ? 0 : tls / all };
}

function bytesOf(counter: { sentBytes: number; receivedBytes: number }): number {
  return counter.sentBytes + counter.receivedBytes;
}

/** The connected peer with this name, or this beginning or end of its id. */
function peerCalled(node: Node, text: string): Member {
  const members = node.membership.members();
  const fits = members.filter(
    ({ peerId, info }) =>
      peerId === text ||
      info?.name === text ||
      (text.length >= MIN_ID_PART && (peerId.endsWith(text) || peerId.startsWith(text))),
  );
  const exact = fits.find(({ peerId }) => peerId === text);
  const found = exact ?? fits[0];
  if (found === undefined) {
    throw new DatameshError('not-found', {
      what: `no peer is called "${text.slice(0, 80)}"`,
      mend: 'the names and ids of all known peers: datamesh peers',
    });
  }
  if (exact === undefined && fits.length > 1) {
    throw new DatameshError('bad-value', {
      what: `${fits.length} peers are called "${text.slice(0, 80)}"`,
      mend: 'give the whole id: datamesh peers --json=name,peerId',
    });
  }
  if (!found.greeted) {
    throw new DatameshError('peer-unreachable', {
      what: `peer ${found.info?.name ?? found.peerId} is ${found.state}`,
      mend: 'start it, or test another: datamesh peers --connected',
    });
  }
  return found;
}
