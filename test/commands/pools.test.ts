import { describe, expect, it } from 'vitest';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';

describe('pool', () => {
  it('creates, shows and lists, with what it survives', async () => {
    const engine = createFakeEngine();
    const host = testHost({ engine });
    expect(await runLine(host, 'pool', 'create', 'big', '--code', '6+3', '--domain', 'zone')).toBe(0);
    expect(host.seen.records[0]).toMatchObject({
      name: 'big',
      code: '6+3',
      survivesZones: 1,
      survivesNodes: 3,
    });
    expect(host.seen.notes.join()).toMatch(
      /outlives the loss of any 3 disks, or any 3 nodes, or any 1 zone; of no rack/,
    );
    const list = testHost({ engine });
    expect(await runLine(list, 'pool', 'list')).toBe(0);
    expect(list.seen.records.map((record) => record.name)).toEqual(['default', 'big']);
    for (const record of list.seen.records) expect(Object.values(record)).not.toContain(undefined);
  });

  it('refuses what the mesh cannot keep with 5 and the arithmetic, and keeps it with --allow-degraded', async () => {
    const engine = createFakeEngine();
    const line = ['pool', 'create', 'big', '--code', '10+4', '--domain', 'zone'];
    const host = testHost({ engine });
    expect(await runLine(host, ...line)).toBe(5);
    expect(host.seen.errors[0]!.message).toMatch(/10\+4 over zones .*14\/4/);
    const again = testHost({ engine });
    expect(await runLine(again, ...line, '--allow-degraded')).toBe(0);
    expect(again.seen.notes.join()).toMatch(/would be refused: 10\+4 over zones/);
    expect(await runLine(testHost({ engine }), 'pool', 'show', 'big', '--check')).toBe(5);
    expect(await runLine(testHost({ engine }), 'pool', 'show', '--check')).toBe(0);
  });

  it('takes folders relative to where it is called, and warns of one that is away', async () => {
    const engine = createFakeEngine();
    const host = testHost({ engine, cwd: '/mnt' });
    const line = ['pool', 'create', 'disks', '--dir', 'a', '--dir', '/b', '--dir-quota', '1GB'];
    expect(await runLine(host, ...line)).toBe(0);
    expect(host.seen.records[0]!.dirs).toEqual(['/mnt/a', '/b']);
    expect(host.seen.records[0]!.folders).toMatchObject([{ quotaBytes: 1e9 }, { freeBytes: null }]);
    expect(host.seen.warnings.join()).toMatch(/\/b is away/);
  });

  it('refuses options that contradict each other, and changes nothing with --dry-run', async () => {
    const engine = createFakeEngine();
    expect(await runLine(testHost({ engine }), 'pool', 'set', 'x', '--node', 'all', '--node', 'b')).toBe(2);
    const host = testHost({ engine });
    expect(await runLine(host, 'pool', 'create', 'x', '--code', '10+4', '--dry-run')).toBe(0);
    expect(host.seen.records).toMatchObject([{ name: 'x', code: '10+4' }]);
    expect(host.seen.notes.join('\n')).toMatch(/outlives[\s\S]*the pool x was not made/);
    const zones = ['--code', '10+4', '--domain', 'zone', '--dry-run'];
    expect(await runLine(testHost({ engine }), 'pool', 'create', 'x', ...zones)).toBe(5);
    const folders = testHost({ engine, cwd: '/mnt' });
    expect(await runLine(folders, 'pool', 'create', 'x', '--dir', 'a', '--dry-run')).toBe(0);
    expect(folders.seen.records).toEqual([]);
    expect(await runLine(testHost({ engine }), 'pool', 'show', 'x')).toBe(8);
  });
});

describe('distribution', () => {
  it('lists the rows, names the largest domain, and --check judges the rule', async () => {
    const engine = createFakeEngine();
    const host = testHost({ engine });
    expect(await runLine(host, 'distribution')).toBe(0);
    expect(host.seen.records).toHaveLength(3);
    for (const record of host.seen.records) expect(Object.values(record)).not.toContain(undefined);
    expect(host.seen.notes).toContain('largest node: a, 66.7% of the shards');
    expect(host.seen.notes).toContain('largest zone: no zone named, 100.0% of the shards');
    expect(host.seen.warnings.join()).toMatch(
      /1 holder did not answer; not counted: 1 shard noted there.*stripe 1 of x breaks the rule/,
    );
    // The list is cut, the count is not.
    expect(host.seen.warnings.join()).toContain('the manifests of 3 objects cannot be read: lost-1, lost-2');
    const zones = testHost({ engine });
    expect(await runLine(zones, 'distribution', '--by', 'zone', '--check')).toBe(3);
    expect(zones.seen.records.map((record) => record.level)).toEqual(['zone']);
  });
});

it('shows the model of loss only when asked, with every assumption, and refuses one that makes no sense', async () => {
  const engine = createFakeEngine({});
  const plain = testHost({ engine });
  await runLine(plain, 'pool', 'show');
  expect(plain.seen.records[0]).not.toHaveProperty('stripeLossPerYear');
  const host = testHost({ engine });
  await runLine(
    host,
    'pool',
    'show',
    '--durability',
    '--holders',
    '30',
    '--failures',
    '20',
    '--stripes',
    '100',
  );
  const record = host.seen.records[0] as { stripeLossPerYear: number; objectLossPerYear: number };
  expect(record).toMatchObject({
    assumptions: { failureRate: 0.2, nodes: 30, detectionMs: 30_000, graceMs: 900_000 },
  });
  expect(record.objectLossPerYear / record.stripeLossPerYear).toBeCloseTo(100, 3);
  expect(host.seen.notes.join('\n')).toMatch(/a model, not a measurement: .*20 % a year/);
  expect(await runLine(testHost({ engine }), 'pool', 'show', '--durability', '--holders', '2')).toBe(2);
});

it('does not take folders of one machine for nodes that fail alone', async () => {
  const engine = createFakeEngine({});
  const pool = await engine.pools.show('default');
  engine.pools.show = async () => ({ ...pool, now: { ...pool.now, at: { ...pool.now.at, node: 1 } } });
  const host = testHost({ engine });
  expect(await runLine(host, 'pool', 'show', '--durability')).toBe(2);
  expect(host.seen.errors[0]).toMatchObject({
    message: expect.stringContaining('there are 1'),
    why: expect.stringContaining('lost with it'),
    mend: expect.stringContaining('--holders 14'),
  });
  const asked = testHost({ engine });
  expect(await runLine(asked, 'pool', 'show', '--durability', '--holders', '14')).toBe(0);
});
