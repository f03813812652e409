/**
 * Figures of peers with bounded cardinality: the first `MAX_PEER_LABELS` peers that this node met have a label of their own for as long as it
 * remembers them; all others together are "other". What is counted there is the total less the labelled, so that sums over the label stay right.
 */
import type { PeerState, PeerView } from '../engine.ts';
import type { PeerId } from '../types.ts';
import type { MetricFamily } from '../views/metrics.ts';
import { counter, gauge, type Value } from './families.ts';

/** The seven families of peers are then at most 354 series. */
export const MAX_PEER_LABELS = 50;
const OTHER = 'other';

const STATES: readonly PeerState[] = ['joining', 'active', 'suspect', 'draining', 'offline', 'quarantined'];
const BREAKERS = ['closed', 'open', 'half-open'] as const;

type Asked = Pick<PeerView, 'requests' | 'failures'>;

/** Who has a label. A peer that is no longer known gives its label up, to one that is met later: what was once counted as "other" stays there. */
export class PeerLabels {
  private readonly labelled = new Set<PeerId>();
  /** Known, and without a label. */
  private others = new Set<PeerId>();
  /** Of all known peers, as last seen. */
  private seen = new Map<PeerId, Asked>();
  /** Of those that are forgotten: what was counted stays counted. */
  private readonly gone: Asked = { requests: 0, failures: 0 };

  /** @param known all peers of this moment */
  of(known: readonly PeerView[]): PeerView[] {
    const present = new Set(known.map(({ peerId }) => peerId));
    for (const peer of this.labelled) if (!present.has(peer)) this.labelled.delete(peer);
    const others = new Set<PeerId>();
    for (const { peerId } of known) {
      if (this.labelled.has(peerId)) continue;
      const isNew = !this.others.has(peerId);
      (isNew && this.labelled.size < MAX_PEER_LABELS ? this.labelled : others).add(peerId);
    }
    this.others = others;
    return known.filter(({ peerId }) => this.labelled.has(peerId));
  }

  /** What all peers were asked, the forgotten ones included as they were when last seen. */
  asked(known: readonly PeerView[]): Asked {
    const before = this.seen;
    this.seen = new Map(known.map(({ peerId, requests, failures }) => [peerId, { requests, failures }]));
    for (const [peer, { requests, failures }] of before) {
      // One that counts less was forgotten meanwhile, and met again.
      if ((this.seen.get(peer)?.requests ?? -1) >= requests) continue;
      this.gone.requests += requests;
      this.gone.failures += failures;
    }
    const sum = { ...this.gone };
    for (const { requests, failures } of known) {
      sum.requests += requests;
      sum.failures += failures;
    }
    return sum;
  }
}

/** @param total bytes of all peers, those that are forgotten included */
export function peerFamilies(
  peers: readonly PeerView[],
  labels: PeerLabels,
  total: { sentBytes: number; receivedBytes: number },
): MetricFamily[] {
  const own = labels.of(peers);
  const asked = labels.asked(peers);
  const each = (figure: (peer: PeerView) => number | undefined): Value[] =>
    own.map((peer) => [{ peer: peer.peerId }, figure(peer)] as const);
  const ofTotal = (figure: (peer: PeerView) => number, all: number): Value[] => [
    ...each(figure),
    [{ peer: OTHER }, Math.max(0, all - own.reduce((sum, peer) => sum + figure(peer), 0))],
  ];
  const counted = <T extends string>(label: string, all: readonly T[], of: (peer: PeerView) => T) =>
    all.map((key) => [{ [label]: key }, peers.filter((peer) => of(peer) === key).length] as const);
  const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000);
  return [
    gauge(
      'datamesh_peers',
      'Known peers by state',
      counted('state', STATES, (peer) => peer.state),
    ),
    gauge(
      'datamesh_breakers',
      'Circuit breakers of known peers by state',
      counted('state', BREAKERS, (peer) => peer.breaker),
    ),
    counter(
      'datamesh_peer_sent_bytes_total',
      `Bytes sent to each peer, encryption included; at most ${MAX_PEER_LABELS} peers by id, the rest as "${OTHER}"`,
      ofTotal((peer) => peer.sentBytes, total.sentBytes),
    ),
    counter(
      'datamesh_peer_received_bytes_total',
      'Bytes received from each peer, encryption included',
      ofTotal((peer) => peer.receivedBytes, total.receivedBytes),
    ),
    counter(
      'datamesh_peer_requests_total',
      'Requests for shards made to each peer since it became known',
      ofTotal((peer) => peer.requests, asked.requests),
    ),
    counter(
      'datamesh_peer_request_failures_total',
      'Those of them that failed',
      ofTotal((peer) => peer.failures, asked.failures),
    ),
    gauge(
      'datamesh_peer_rtt_seconds',
      'Round trip to each peer, smoothed: the newest weighs 0.3',
      each((peer) => seconds(peer.rttMs)),
    ),
    gauge(
      'datamesh_peer_latency_p95_seconds',
      '95th percentile of its answers with shards in the last five minutes',
      each((peer) => seconds(peer.latencyP95Ms)),
    ),
    gauge(
      'datamesh_peer_reputation',
      'Reputation of each peer, 0 to 100',
      each((peer) => peer.score),
    ),
  ];
}
