/** What the fake engine's mesh answers when it is searched or tested. */
import type { PeerView } from '../../src/engine/engine.ts';
import type { DiscoveryReport, SpeedReport } from '../../src/engine/views/mesh.ts';
import { DatameshError } from '../../src/errors.ts';

export function fakeDiscovery(durationMs: number, peers: readonly PeerView[]): DiscoveryReport {
  const found = peers.filter(({ state }) => state !== 'offline');
  return {
    durationMs,
    asked: [
      { via: 'bootstrap', target: '/ip4/10.0.0.9/tcp/4001', found: 0, failure: 'nothing listens there' },
      { via: 'dht', target: 'a walk to a random point', found: found.length, failure: undefined },
      { via: 'gossip', target: 'heartbeats', found: found.length, failure: undefined },
    ],
    peers: found.map((peer, index) => ({
      peerId: peer.peerId,
      name: peer.name,
      via: index % 2 === 0 ? ['dht', 'gossip'] : ['gossip'],
      isNew: index === 3,
      state: peer.state,
      rttMs: peer.rttMs,
      address: peer.address,
    })),
  };
}

export function fakeSpeed(text: string, durationMs: number, peers: readonly PeerView[]): SpeedReport {
  const peer = peers.find(({ peerId, name }) => name === text || peerId === text);
  if (peer === undefined) throw new DatameshError('not-found', { what: `no peer is called "${text}"` });
  const halfMs = durationMs / 2;
  return {
    peerId: peer.peerId,
    name: peer.name,
    sentBytes: halfMs * 50_000,
    sentMs: halfMs,
    receivedBytes: halfMs * 80_000,
    receivedMs: halfMs,
    rttMs: 1.25,
    tlsShare: 0,
  };
}
