/** The commands of the mesh against real nodes, and a node that comes back when its bootstrap node is gone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setInFile } from '../../src/config/store.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(4, { k: 2, m: 1 });
}, 120_000);
afterAll(() => cluster.close());

async function records(index: number, ...argv: string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await cluster.ok(index, [...argv, '--json']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('commands of the mesh', () => {
  it('peers --detailed shows what was measured of each', async () => {
    const peers = await records(0, 'peers', '--detailed');
    expect(peers).toHaveLength(3);
    for (const peer of peers) {
      expect(peer).toMatchObject({ state: 'active', breaker: 'closed', version: expect.any(String) });
      expect(peer.score).toBeGreaterThanOrEqual(0);
      expect(peer.rttMs).toBeGreaterThan(0);
      expect(peer.libp2pReceivedBytes).toBeGreaterThan(0);
      expect(peer.capacityBytes).toBeGreaterThan(0);
    }
  });

  it('network --visualize draws all of them', async () => {
    const rows = await records(0, 'network', '--visualize');
    expect(rows.filter(({ kind }) => kind === 'node')).toHaveLength(4);
    expect(rows.find(({ kind }) => kind === 'zone')).toMatchObject({ nodes: 4, up: 4 });
  });

  it('discover says how each was found', async () => {
    const found = await records(1, 'discover', '--seconds', '3');
    expect(found).toHaveLength(3);
    for (const peer of found) expect(peer.via).toEqual(expect.arrayContaining(['gossip']));
    expect(found.flatMap(({ via }) => via)).toContain('dht');
  });

  it('bandwidth --test-peer moves bytes', async () => {
    const [report] = await records(0, 'bandwidth', '--test-peer', cluster.nodes[1]!.name, '--duration', '2s');
    expect(report!.sentBytesPerSecond).toBeGreaterThan(1_000_000);
    expect(report!.receivedBytesPerSecond).toBeGreaterThan(1_000_000);
    const refused = await cluster.cli(0, [
      'bandwidth',
      '--test-peer',
      cluster.nodes[1]!.name,
      '--duration',
      '31s',
    ]);
    expect(refused.status).toBe(2);
    const [up] = await records(0, 'bandwidth');
    expect(up!.sentBytes).toBeGreaterThan(report!.sentBytes as number);
  });

  it('a node whose bootstrap node is gone finds the mesh by the peers it remembers', async () => {
    const [first, , third, fourth] = cluster.nodes;
    await cluster.kill(first!);
    // An orderly end writes what is known.
    await cluster.ok(3, ['service', 'stop']);
    const kept = JSON.parse(readFileSync(join(fourth!.dataDir, 'peers.json'), 'utf8')) as {
      addresses: string[];
    };
    expect(kept.addresses.length).toBeGreaterThan(0);
    await cluster.kill(third!);
    // The others knew it under its old port: only it can find them.
    await setInFile(fourth!.configPath, 'network.port', 0);
    await cluster.restart(fourth!);
    const reached = async () =>
      (await fourth!.engine.peers()).filter(({ state }) => state === 'active').length;
    const end = Date.now() + 20_000;
    while ((await reached()) < 1 && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await reached()).toBe(1);
  }, 60_000);
});
