import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/engine/observe/histogram.ts';
import { MAX_PEER_LABELS, PeerLabels, peerFamilies } from '../../../src/engine/observe/peer-families.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { fakePeers } from '../../support/fake-figures.ts';

const START_MS = Date.UTC(2026, 0, 1);

function peers(count: number) {
  return fakePeers(count, 5_000, START_MS).map((peer, at) => ({
    ...peer,
    peerId: `peer-${String(at).padStart(4, '0')}` as PeerId,
    sentBytes: 10 + at,
    receivedBytes: at,
  }));
}
const samplesOf = (families: ReturnType<typeof peerFamilies>, name: string) =>
  families.find((it) => it.name === name)!.samples;

describe('figures of peers', () => {
  it('have bounded labels however many peers there are, and sums that stay right', () => {
    const labels = new PeerLabels();
    const many = peers(1000);
    const total = { sentBytes: many.reduce((sum, it) => sum + it.sentBytes, 0) + 77, receivedBytes: 10 ** 9 };
    const families = peerFamilies(many, labels, total);
    for (const { name, samples } of families) {
      expect(samples.length, name).toBeLessThanOrEqual(MAX_PEER_LABELS + 1);
      expect(new Set(samples.map((it) => JSON.stringify(it.labels))).size).toBe(samples.length);
    }
    const sent = samplesOf(families, 'datamesh_peer_sent_bytes_total');
    expect(sent.reduce((sum, it) => sum + it.value, 0)).toBe(total.sentBytes);
    expect(samplesOf(families, 'datamesh_peers').reduce((sum, it) => sum + it.value, 0)).toBe(1000);
  });

  it('keep a peer’s label while it is known, so that no counter goes back', () => {
    const labels = new PeerLabels();
    const all = peers(MAX_PEER_LABELS + 10);
    const first = labels.of(all).map(({ peerId }) => peerId);
    expect(
      labels
        .of([...all].reverse())
        .map(({ peerId }) => peerId)
        .sort(),
    ).toEqual([...first].sort());
    // The one that moved least goes: what it moved counts with the others, and none of them leaves them.
    const total = { sentBytes: 100_000, receivedBytes: 100_000 };
    const other = (of: typeof all) =>
      samplesOf(peerFamilies(of, labels, total), 'datamesh_peer_sent_bytes_total').find(
        (it) => it.labels.peer === 'other',
      )!.value;
    const before = other(all);
    const left = all.slice(1);
    expect(other(left)).toBe(before + all[0]!.sentBytes);
    // Its label is free for one that nobody has counted yet.
    const met = { ...all[0]!, peerId: 'peer-new' as PeerId, sentBytes: 5 };
    const again = labels.of([...left, met]).map(({ peerId }) => peerId);
    expect(again.sort()).toEqual([...first.slice(1), met.peerId].sort());
  });

  it('count what a peer was asked also after it was forgotten, and met again', () => {
    const labels = new PeerLabels();
    const counting = (of: ReturnType<typeof peers>) => {
      const families = peerFamilies(of, labels, { sentBytes: 0, receivedBytes: 0 });
      const sum = (name: string) => samplesOf(families, name).reduce((all, it) => all + it.value, 0);
      return [sum('datamesh_peer_requests_total'), sum('datamesh_peer_request_failures_total')];
    };
    const [a, b] = peers(2).map((peer) => ({ ...peer, requests: 10, failures: 3 }));
    expect(counting([a!, b!])).toEqual([20, 6]);
    expect(counting([b!])).toEqual([20, 6]);
    expect(
      counting([
        { ...a!, requests: 4, failures: 0 },
        { ...b!, requests: 1, failures: 1 },
      ]),
    ).toEqual([25, 7]);
  });
});

describe('Histogram', () => {
  it('counts each value once, in every bucket from its own on', () => {
    const histogram = new Histogram([1, 2, 4]);
    for (const value of [0.5, 1, 1.5, 4, 100]) histogram.observe(value);
    expect(histogram.view()).toEqual({
      buckets: [
        { le: 1, count: 2 },
        { le: 2, count: 3 },
        { le: 4, count: 4 },
      ],
      sum: 107,
      count: 5,
    });
  });
});
