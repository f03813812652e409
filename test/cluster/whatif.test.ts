/** Six processes in three zones: what is foretold of a loss is what health finds once exactly these nodes are killed. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HealthReport } from '../../src/engine/engine.ts';
import type { WhatifReport } from '../../src/engine/views/whatif.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { randomFile } from '../support/files.ts';

const ZONES = ['fra', 'ams', 'par'];
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(6, { k: 4, m: 2 }, (number) => ZONES[(number - 1) % 3]!);
}, 60_000);
afterAll(() => cluster.close());

const figures = ({
  ok,
  degraded,
  critical,
  lost,
  stripes,
  shardsLive,
}: WhatifReport['now'] | HealthReport) => ({
  ok,
  degraded,
  critical,
  lost,
  stripes,
  shardsLive,
});

test('whatif lose: predicted, killed, and health agrees; the drawing shows where the shards lie', async () => {
  const file = join(cluster.folder, 'file');
  await randomFile(file, 9_000_000);
  const small = join(cluster.folder, 'small');
  await randomFile(small, 300_000);
  const tiny = join(cluster.folder, 'tiny');
  await randomFile(tiny, 1000);
  await cluster.ok(0, ['put', file, '--name', 'big']);
  // With all six holders taken by 4+2 nobody can repair; these have less parity, and two nodes are too many for some of them.
  for (let i = 0; i < 6; i++) await cluster.ok(0, ['put', small, '--name', `thin ${i}`, '--code', '2+1']);
  await cluster.ok(0, ['put', tiny, '--name', 'tiny']);
  const { engine } = cluster.nodes[0]!;

  const drawn = await cluster.ok(0, ['network', '--visualize', '--json']);
  const rows = drawn.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const { shards } = await engine.distribution();
  for (const kind of ['zone', 'rack', 'node']) {
    const level = rows.filter((row) => row.kind === kind);
    expect(
      level.reduce((sum, row) => sum + row.shards, 0),
      kind,
    ).toBe(shards);
  }

  const victims = cluster.nodes.filter((_node, i) => i % 3 === 2);
  const foretold = await engine.whatif({ lose: ['zone:par'] });
  expect(foretold.gone.map(({ peerId }) => peerId).sort()).toEqual(
    victims.map(({ peerId }) => peerId).sort(),
  );
  expect(foretold.now).toMatchObject({ degraded: 0, critical: 0, lost: 0 });
  expect(figures(foretold.now)).toEqual(figures(await engine.health()));
  expect(foretold.after.lost + foretold.after.critical + foretold.after.degraded).toBeGreaterThan(0);
  const said = await cluster.cli(0, ['whatif', 'lose', 'zone:par', '--objects', '--json']);
  expect(said.status).toBe(foretold.newlyLost > 0 ? 7 : 0);
  const listed = said.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(listed.map(({ name }) => name)).toEqual(foretold.worst.map(({ name }) => name));

  await Promise.all(victims.map(cluster.kill));
  // At once: a few seconds later the mesh begins to repair what it can.
  const found = await engine.health();
  expect(figures(found)).toEqual(figures(foretold.after));
  const worst = new Map(found.worst.map((it) => [it.name, it] as const));
  for (const { name, after, spareAfter } of foretold.worst)
    expect(worst.get(name)).toMatchObject({ state: after, spare: spareAfter });
}, 120_000);
