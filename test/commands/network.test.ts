import { describe, expect, it } from 'vitest';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';

const address = '/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWExample';

describe('peers', () => {
  it('lists them all with every field, also those not measured', async () => {
    const host = testHost({ engine: createFakeEngine({ peerCount: 4 }) });
    expect(await runLine(host, 'peers')).toBe(0);
    expect(host.seen.records).toHaveLength(4);
    const keys = host.seen.records.map((record) => Object.keys(record).sort().join());
    expect(new Set(keys).size).toBe(1);
    for (const record of host.seen.records) expect(Object.values(record)).not.toContain(undefined);
  });

  it('sorts by round trip, those without one last', async () => {
    const host = testHost({ engine: createFakeEngine({ peerCount: 12 }) });
    await runLine(host, 'peers', '--sort', 'rtt');
    const rtts = host.seen.records.map(
      (record) => (record.rttMs as number | null) ?? Number.POSITIVE_INFINITY,
    );
    expect(rtts).toEqual([...rtts].sort((a, b) => a - b));
  });
});

describe('health', () => {
  it('shows the census, and --check judges it', async () => {
    const engine = createFakeEngine({ objects: [{ name: 'a', content: 'a' }] });
    const host = testHost({ engine });
    expect(await runLine(host, 'health')).toBe(0);
    const report = await engine.health();
    expect(host.seen.records[0]).toMatchObject({
      objects: report.objects,
      ok: report.ok,
      stripesSpare0: report.stripes.spare0,
    });
    expect(host.seen.records[0]).toMatchObject({ depth: 'asked' });
    const proved = testHost({ engine });
    expect(await runLine(proved, 'health', '--proved')).toBe(0);
    expect(proved.seen.records[0]).toMatchObject({ depth: 'proved' });
    const expected = report.lost > 0 ? 7 : report.degraded + report.critical > 0 ? 3 : 0;
    expect(await runLine(testHost({ engine }), 'health', '--check')).toBe(expected);
  });
});

describe('health --continuous', () => {
  it('takes one census after another until it is interrupted', async () => {
    const stop = new AbortController();
    const engine = createFakeEngine({ objects: [{ name: 'a', content: 'a' }] });
    const host = testHost({ engine, signal: stop.signal });
    const running = runLine(host, 'health', '--continuous', '--every', '5ms');
    await expect.poll(() => host.seen.records.length).toBeGreaterThanOrEqual(3);
    stop.abort();
    expect(await running).toBe(130);
  });
});

describe('status', () => {
  it('shows this node', async () => {
    const host = testHost({ engine: createFakeEngine() });
    expect(await runLine(host, 'status')).toBe(0);
    expect(host.seen.records[0]).toMatchObject({ code: '4+2' });
    expect(host.seen.records[0]).toHaveProperty('quotaBytes');
  });

  it('--service fails with 5 when none runs', async () => {
    const host = testHost({ engine: createFakeEngine(), noService: true });
    expect(await runLine(host, 'status', '--service')).toBe(5);
    expect(host.seen.errors[0]?.mend).toMatch(/service start/);
  });

  it('without a configuration ends with 4', async () => {
    expect(await runLine(testHost(), 'status')).toBe(4);
  });
});

describe('bootstrap', () => {
  it.each([`${address}?priority=abc`, `${address}?priority=1000`, '/nowhere/1'])(
    'refuses %s before anything is dialled',
    async (given) => {
      const engine = createFakeEngine();
      await expect(runLine(testHost({ engine }), 'bootstrap', given)).resolves.toBe(2);
      expect(engine.calls).not.toContain('bootstrap');
    },
  );

  it('dials, and does not with --dry-run', async () => {
    const engine = createFakeEngine();
    const host = testHost({ engine });
    expect(await runLine(host, 'bootstrap', address)).toBe(0);
    expect(host.seen.records[0]).toHaveProperty('rttMs');
    const before = engine.calls.length;
    expect(await runLine(testHost({ engine }), 'bootstrap', address, '--dry-run')).toBe(0);
    expect(engine.calls.length).toBe(before);
  });
});
