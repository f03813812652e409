import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TopologyNode, topologyOf } from '../../src/commands/network/topology.ts';
import { type Level, locate } from '../../src/engine/placement/domains.ts';
import type { PeerId } from '../../src/engine/types.ts';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';

describe('peers --detailed', () => {
  it('shows reputation, breaker, latency and which connection carried what', async () => {
    const host = testHost({ engine: createFakeEngine({ peerCount: 15 }) });
    expect(await runLine(host, 'peers', '--detailed')).toBe(0);
    for (const key of [
      'score',
      'breaker',
      'latencyP50Ms',
      'latencyP95Ms',
      'tlsReceivedBytes',
      'capacityBytes',
    ]) {
      expect(host.seen.records[0]).toHaveProperty(key);
    }
    expect(host.seen.records.map(({ state }) => state)).toContain('quarantined');
  });

  it('sorts by reputation, the best first', async () => {
    const host = testHost({ engine: createFakeEngine({ peerCount: 15 }) });
    await runLine(host, 'peers', '--sort', 'score');
    const scores = host.seen.records.map(({ score }) => score as number);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });
});

describe('network', () => {
  it('draws zones, racks and nodes, this one among them', async () => {
    const host = testHost({ engine: createFakeEngine({ peerCount: 8 }) });
    expect(await runLine(host, 'network', '--visualize')).toBe(0);
    expect(host.seen.records.map(({ tree }) => tree)).toEqual([
      'eu-1',
      '├─ r1',
      '│  ├─ alder',
      expect.stringMatching(/^│ {2}├─ \w+$/),
      expect.stringMatching(/^│ {2}├─ \w+$/),
      expect.stringMatching(/^│ {2}└─ \w+$/),
      '└─ r2',
      expect.stringMatching(/^ {3}├─ \w+$/),
      expect.stringMatching(/^ {3}├─ \w+$/),
      expect.stringMatching(/^ {3}└─ \w+$/),
      'eu-2',
      expect.anything(),
      expect.anything(),
      expect.anything(),
      expect.anything(),
    ]);
    expect(host.seen.records[2]).toMatchObject({ kind: 'node', state: 'this node' });
    for (const record of host.seen.records) expect(Object.values(record)).not.toContain(undefined);
    expect(host.seen.notes.join()).toMatch(/12 shards of 2 objects/);
    expect(host.seen.warnings.join()).toMatch(/1 stripe breaks the rule/);
  });

  it('--depth cuts it off', async () => {
    for (const [depth, kinds] of [
      ['1', ['zone']],
      ['2', ['zone', 'rack']],
    ] as const) {
      const host = testHost({ engine: createFakeEngine({ peerCount: 8 }) });
      await runLine(host, 'network', '--depth', depth);
      expect([...new Set(host.seen.records.map(({ kind }) => kind))]).toEqual(kinds);
    }
    await expect(runLine(testHost(), 'network', '--depth', '4')).rejects.toThrow(/at most 3/);
  });

  it('counts every node once on each level', () => {
    const place = fc.option(fc.constantFrom('a', 'A', ' b', 'B ', 'c', ' '), { nil: null });
    const node = fc.record({
      zone: place,
      rack: place,
      isUp: fc.boolean(),
      rttMs: fc.option(fc.nat(), { nil: null }),
    });
    fc.assert(
      fc.property(fc.array(node, { maxLength: 30 }), (parts) => {
        const nodes = parts.map(
          (part, i): TopologyNode => ({
            ...part,
            name: `n${i}`,
            peerId: `p${i}`,
            state: 'active',
            freeBytes: 1,
            capacityBytes: 2,
            shards: i,
          }),
        );
        const rows = topologyOf(nodes, 3);
        for (const kind of ['zone', 'rack', 'node']) {
          const level = rows.filter((row) => row.kind === kind);
          expect(level.reduce((sum, row) => sum + row.nodes, 0)).toBe(nodes.length);
          const shards = level.reduce((sum, row) => sum + (row.shards ?? 0), 0);
          expect(shards).toBe(nodes.reduce((sum, each) => sum + (each.shards ?? 0), 0));
          expect(level.reduce((sum, row) => sum + row.up, 0)).toBe(nodes.filter(({ isUp }) => isUp).length);
        }
        // As placement counts them: a label in other letters is no other place.
        const places = (level: Level) =>
          new Set(
            parts.map(
              ({ zone, rack }) => locate({ peer: 'p' as PeerId, zone: zone ?? '', rack: rack ?? '' })[level],
            ),
          );
        for (const kind of ['zone', 'rack'] as const)
          expect(rows.filter((row) => row.kind === kind).length).toBe(places(kind).size);
        expect(new Set(rows.filter(({ kind }) => kind === 'node').map(({ name }) => name)).size).toBe(
          nodes.length,
        );
      }),
    );
  });
});

describe('networks', () => {
  it('shows every preset, also without a configuration', async () => {
    const host = testHost();
    expect(await runLine(host, 'networks')).toBe(0);
    expect(host.seen.records.map(({ preset }) => preset)).toEqual(['local', 'lan', 'custom']);
    expect(host.seen.records.map(({ inUse }) => inUse)).toEqual([false, false, false]);
    expect(host.seen.records[0]).toMatchObject({ listen: expect.stringContaining('127.0.0.1') });
    expect(host.seen.records[1]!.finds).toContain('mdns');
    expect(host.seen.records[0]!.finds).not.toContain('mdns');
  });
});

describe('discover', () => {
  it('lists who was found and how, and tells what failed', async () => {
    const engine = createFakeEngine({ peerCount: 6 });
    const host = testHost({ engine });
    expect(await runLine(host, 'discover', '--seconds', '1')).toBe(0);
    expect(host.seen.records.length).toBeGreaterThan(0);
    for (const record of host.seen.records) expect(record.via).not.toEqual([]);
    expect(host.seen.notes.join('\n')).toMatch(/bootstrap.*nothing listens there/);
  });

  it('asks nobody with --dry-run, and not for longer than a minute', async () => {
    const engine = createFakeEngine();
    expect(await runLine(testHost({ engine }), 'discover', '--dry-run')).toBe(0);
    expect(engine.calls).not.toContain('discover');
    await expect(runLine(testHost(), 'discover', '--seconds', '61')).rejects.toThrow(/at most 60/);
  });
});

describe('bandwidth', () => {
  it('shows both ways and the protocols', async () => {
    const host = testHost({ engine: createFakeEngine() });
    expect(await runLine(host, 'bandwidth')).toBe(0);
    expect(host.seen.records.slice(0, 2).map(({ name }) => name)).toEqual(['up', 'down']);
    const keys = host.seen.records.map((record) => Object.keys(record).sort().join());
    expect(new Set(keys).size).toBe(1);
  });

  it('leaves out what this node has not run long enough to have measured', async () => {
    const engine = createFakeEngine();
    const { bandwidth, ...rest } = await engine.snapshot();
    const up = { ...bandwidth.up, history: [1, 2], history10m: [] };
    const down = { ...bandwidth.down, history: [], history10m: [] };
    engine.snapshot = async () => ({ ...rest, bandwidth: { ...bandwidth, up, down } });
    const host = testHost({ engine });
    await runLine(host, 'bandwidth');
    const unknown = { avg1mBytesPerSecond: null, avg5mBytesPerSecond: null };
    expect(host.seen.records.slice(0, 2)).toMatchObject([
      { ...unknown, nowBytesPerSecond: up.now, peakBytesPerSecond: up.peak },
      { ...unknown, nowBytesPerSecond: null, peakBytesPerSecond: null },
    ]);
  });

  it('--test-peer computes its rates from bytes and time', async () => {
    const host = testHost({ engine: createFakeEngine() });
    expect(await runLine(host, 'bandwidth', '--test-peer', 'birch', '--duration', '4s')).toBe(0);
    expect(host.seen.records[0]).toMatchObject({
      name: 'birch',
      sentBytesPerSecond: 50_000_000,
      receivedBytesPerSecond: 80_000_000,
      rttMs: 1.25,
    });
  });

  it('refuses a test of more than 30 s before anything is asked', async () => {
    const engine = createFakeEngine();
    const host = testHost({ engine });
    expect(await runLine(host, 'bandwidth', '--test-peer', 'birch', '--duration', '31s')).toBe(2);
    expect(await runLine(host, 'bandwidth', '--test-peer', 'birch', '--duration', '0s')).toBe(2);
    expect(host.seen.errors.at(-1)?.message).toMatch(/more than 0/);
    expect(engine.calls).not.toContain('speedTest');
    expect(await runLine(host, 'bandwidth', '--test-peer', 'nobody-there')).toBe(8);
  });
});
