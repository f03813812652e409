/** A real node under load, scraped over HTTP: every family it gives is named here, with what must become of it. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expositionOf, processFigures } from '../../../src/engine/observe/exposition.ts';
import { MAX_PEER_LABELS } from '../../../src/engine/observe/peer-families.ts';
import type { MetricFamily } from '../../../src/engine/views/metrics.ts';
import {
  type EngineMesh,
  getBytes,
  openEngineMesh,
  putBytes,
  type TestEngine,
  untilEligible,
} from '../../support/engine-mesh.ts';
import { freePort } from '../../support/free-port.ts';
import { readExposition, type Scraped } from '../../support/prometheus.ts';
import { checkDocument } from '../../support/written-document.ts';

const SLOW_MS = 120_000;
const OBJECTS = 6;

/** `grows`: under the load of this test. `there`: it has samples. */
const FAMILIES: Readonly<Record<string, 'grows' | 'there'>> = {
  datamesh_node_info: 'there',
  datamesh_uptime_seconds: 'grows',
  datamesh_store_shards: 'grows',
  datamesh_store_used_bytes: 'grows',
  datamesh_store_disk_bytes: 'grows',
  datamesh_store_quota_bytes: 'there',
  datamesh_store_reserve_bytes: 'there',
  datamesh_disk_free_bytes: 'there',
  datamesh_fsync_duration_seconds: 'grows',
  datamesh_puts_total: 'grows',
  datamesh_put_bytes_total: 'grows',
  datamesh_put_duration_seconds: 'grows',
  datamesh_gets_total: 'grows',
  datamesh_get_bytes_total: 'grows',
  datamesh_get_duration_seconds: 'grows',
  datamesh_read_requests_total: 'grows',
  // Nobody is late on a loopback, unless the machine is busy.
  datamesh_read_hedges_total: 'there',
  datamesh_read_hedges_won_total: 'there',
  datamesh_read_cache_hits_total: 'grows',
  datamesh_read_cache_misses_total: 'grows',
  datamesh_read_cache_bytes: 'grows',
  datamesh_peers: 'there',
  datamesh_breakers: 'there',
  datamesh_peer_sent_bytes_total: 'grows',
  datamesh_peer_received_bytes_total: 'grows',
  datamesh_peer_requests_total: 'grows',
  datamesh_peer_request_failures_total: 'there',
  datamesh_peer_rtt_seconds: 'there',
  datamesh_peer_latency_p95_seconds: 'there',
  datamesh_peer_reputation: 'there',
  datamesh_sent_bytes_total: 'grows',
  datamesh_received_bytes_total: 'grows',
  datamesh_protocol_sent_bytes_total: 'grows',
  datamesh_protocol_received_bytes_total: 'grows',
  datamesh_gossip_published_total: 'grows',
  datamesh_gossip_messages_total: 'grows',
  datamesh_stripes: 'grows',
  datamesh_objects: 'grows',
  datamesh_shards_expected: 'grows',
  datamesh_shards_live: 'grows',
  datamesh_census_silent_peers: 'there',
  datamesh_census_duration_seconds: 'there',
  datamesh_census_timestamp_seconds: 'grows',
  datamesh_repair_backlog_objects: 'there',
  // A test of its own, below: somebody must die.
  datamesh_repaired_objects_total: 'there',
  datamesh_repaired_shards_total: 'there',
  datamesh_repair_traffic_bytes_total: 'there',
  // The first audit comes after a minute.
  datamesh_audit_challenges_total: 'there',
  datamesh_audit_silent_total: 'there',
  datamesh_custody_orders: 'grows',
  datamesh_custody_manifest_bytes: 'grows',
  datamesh_catalog_objects: 'grows',
  datamesh_catalog_versions: 'grows',
  datamesh_catalog_logical_bytes: 'grows',
  datamesh_catalog_stored_bytes: 'grows',
  datamesh_events_total: 'there',
  datamesh_jobs_running: 'there',
};
/** Counted once a minute at most, and so by another node here, which is asked for the first time. */
const COUNTED_SELDOM = new Set(['datamesh_custody_orders', 'datamesh_custody_manifest_bytes']);

describe('metrics of real nodes', () => {
  let mesh: EngineMesh;
  let alder: TestEngine;
  let port: number;

  beforeAll(async () => {
    mesh = await openEngineMesh({ k: 2, m: 1 });
    port = await freePort();
    alder = await mesh.add('alder', {
      observe: { metricsPort: port },
      reads: { cacheBytes: 2 ** 20, cacheTtlMs: 60_000 },
    });
    for (const name of ['birch', 'cedar', 'dogwood']) await mesh.add(name);
    await untilEligible(
      alder.engine,
      mesh.engines.slice(1).map(({ peerId }) => peerId),
    );
  }, SLOW_MS);
  afterAll(() => mesh.close());

  it('says for how long it has run, whatever became of the wall clock', { timeout: SLOW_MS }, async () => {
    const uptimeOf = async () => readExposition((await ask(port)).text).sum('datamesh_uptime_seconds') * 1000;
    const before = await alder.engine.status();
    const trueNow = Date.now;
    const wall = vi.spyOn(Date, 'now').mockImplementation(() => trueNow() - 3_600_000);
    try {
      const upMs = [(await alder.engine.status()).uptimeMs, await uptimeOf()];
      for (const ms of upMs) {
        expect(ms).toBeGreaterThanOrEqual(before.uptimeMs - 1);
        expect(ms).toBeLessThan(before.uptimeMs + SLOW_MS);
      }
    } finally {
      wall.mockRestore();
    }
  });

  it('moves every one that load moves, in the format of Prometheus', { timeout: SLOW_MS }, async () => {
    await alder.engine.health();
    const before = readExposition((await ask(port)).text);
    for (let i = 0; i < OBJECTS; i++) {
      const bytes = randomBytes(100_000 + i);
      await putBytes(alder.engine, `object-${i}`, bytes);
      expect(await getBytes(alder.engine, `object-${i}`)).toEqual(bytes);
      await getBytes(alder.engine, `object-${i}`);
    }
    await expect(getBytes(alder.engine, 'nothing')).rejects.toMatchObject({ code: 'not-found' });
    await alder.engine.health();
    await untilCustodyOf(mesh, OBJECTS);
    // Gossip has its own rhythm of two seconds.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const { text, type, status } = await ask(port);
    expect({ status, type }).toEqual({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
    const after = readExposition(text);
    const own = [...after.types.keys()].filter((name) => name.startsWith('datamesh_'));
    expect(own.filter((name) => !(name in FAMILIES) && name !== 'datamesh_catalog_unmirrored_rows')).toEqual(
      [],
    );
    const birch = readExposition(await expositionOf(await mesh.engines[1]!.engine.metrics()));
    const still = Object.entries(FAMILIES).filter(([name, wanted]) => {
      if (COUNTED_SELDOM.has(name)) return totalOf(birch, name) === 0;
      return wanted === 'grows' ? totalOf(after, name) <= totalOf(before, name) : !own.includes(name);
    });
    expect(still).toEqual([]);
    // What is known exactly.
    expect(after.sum('datamesh_puts_total', { result: 'ok' })).toBe(OBJECTS);
    expect(after.sum('datamesh_gets_total', { result: 'ok' })).toBe(2 * OBJECTS);
    expect(after.sum('datamesh_gets_total', { result: 'failed' })).toBe(1);
    const bytes = Array.from({ length: OBJECTS }, (_, i) => 100_000 + i).reduce((a, b) => a + b);
    expect(after.sum('datamesh_put_bytes_total')).toBe(bytes);
    expect(after.sum('datamesh_get_bytes_total')).toBe(2 * bytes);
    expect(after.sum('datamesh_put_duration_seconds_count')).toBe(OBJECTS);
    expect(after.sum('datamesh_put_duration_seconds_bucket', { le: '+Inf' })).toBe(OBJECTS);
    expect(after.sum('datamesh_stripes', { spare: '1' })).toBe(OBJECTS);
    expect(after.sum('datamesh_objects', { state: 'ok' })).toBe(OBJECTS);
    expect(after.sum('datamesh_catalog_objects')).toBe(OBJECTS);
    expect(after.sum('datamesh_peers', { state: 'active' })).toBe(3);
    expect(after.sum('datamesh_breakers', { state: 'closed' })).toBe(3);
    // Three peers and the others; every byte of the total is one of somebody.
    expect(after.series('datamesh_peer_sent_bytes_total')).toBe(4);
    expect(after.sum('datamesh_peer_sent_bytes_total')).toBe(after.sum('datamesh_sent_bytes_total'));
    expect(after.series('datamesh_peer_reputation')).toBeLessThanOrEqual(MAX_PEER_LABELS);
    // The process itself.
    for (const name of ['process_resident_memory_bytes', 'process_open_fds', 'process_cpu_seconds_total'])
      expect(after.sum(name), name).toBeGreaterThan(0);
    expect(after.sum('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
  });

  it('is what docs/METRICS.md, the dashboard and the alert rules speak of', async () => {
    const families = (await alder.engine.metrics()).filter(({ name }) => name.startsWith('datamesh_'));
    checkDocument('docs/METRICS.md', metricsDocument(families));
    // Figures of the event loop are those since they were last asked for.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const scraped = readExposition((await ask(port)).text);
    for (const file of ['ops/alerts.yml', 'ops/grafana-dashboard.json']) {
      const selectors = selectorsOf(readFileSync(file, 'utf8').replaceAll('\\"', '"'));
      expect(selectors.length, file).toBeGreaterThan(15);
      const wrong = selectors.filter(({ name, labels }) => !isThere(scraped, name, labels));
      expect(wrong, file).toEqual([]);
    }
  });

  it('answers this machine alone, and only what it is there for', async () => {
    expect((await ask(port, { method: 'POST' })).status).toBe(405);
    expect((await ask(port, { path: '/' })).status).toBe(404);
    expect((await ask(port, { path: '/metrics?x=1' })).status).toBe(200);
    const head = await ask(port, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '' });
    // A page of the web that leads its own name to this address.
    expect((await ask(port, { headers: { host: `evil.example:${port}` } })).status).toBe(403);
    expect((await ask(port, { headers: { host: `localhost:${port}` } })).status).toBe(200);
    await expect(ask(port, { host: '127.0.0.2' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('counts repairs after a death', { timeout: SLOW_MS }, async () => {
    const dead = mesh.engines.pop()!;
    await dead.engine.close();
    const endMs = performance.now() + SLOW_MS / 2;
    for (;;) {
      const all = await Promise.all(
        mesh.engines.map(async ({ engine }) => readExposition(await expositionOf(await engine.metrics()))),
      );
      const total = (name: string) => all.reduce((sum, it) => sum + it.sum(name), 0);
      if (total('datamesh_repaired_shards_total') > 0 && total('datamesh_repair_traffic_bytes_total') > 0) {
        expect(total('datamesh_repaired_objects_total')).toBeGreaterThan(0);
        break;
      }
      expect(performance.now(), 'nobody mended anything').toBeLessThan(endMs);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const offline = readExposition((await ask(port)).text);
    expect(offline.sum('datamesh_peers', { state: 'offline' })).toBe(1);
  });

  it('runs without figures when the port is taken, and says so', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const events: string[] = [];
    const elm = await mesh.add('elm', {
      observe: {
        metricsPort: (taken.address() as AddressInfo).port,
        onEvent: ({ level, text }) => events.push(`${level} ${text}`),
      },
    });
    taken.close();
    expect((await elm.engine.status()).name).toBe('elm');
    expect(events.filter((it) => it.startsWith('error')).join()).toContain('no metrics are served');
  });
});

interface Selector {
  name: string;
  labels: { key: string; values: string[] }[];
}

/** What a PromQL expression asks for; labels that Prometheus itself adds left out. */
function selectorsOf(text: string): Selector[] {
  const found = text.matchAll(/\b((?:datamesh|process|nodejs)_[a-z0-9_]+)(?:\{([^}]*)\})?/g);
  return [...found].map(([, name = '', matchers = '']) => ({
    name,
    labels: [...matchers.matchAll(/(\w+)=~?"([^"]*)"/g)]
      .filter(([, key]) => key !== 'instance' && key !== 'job')
      .map(([, key = '', value = '']) => ({ key, values: value.split('|') })),
  }));
}

function isThere(scraped: Scraped, name: string, labels: Selector['labels']): boolean {
  const base = name.replace(/_(?:bucket|sum|count)$/, '');
  const type = scraped.types.get(name) ?? (scraped.types.get(base) === 'histogram' ? 'histogram' : undefined);
  if (type === undefined) return false;
  return labels.every(({ key, values }) => values.every((value) => scraped.has(name, { [key]: value })));
}

function metricsDocument(families: readonly MetricFamily[]): string {
  const rows = families.map(({ name, type, samples, help }) => {
    const labels = new Set(samples.flatMap((it) => Object.keys(it.labels)).filter((key) => key !== 'le'));
    return `| \`${name}\` | ${type} | ${[...labels].join(', ')} | ${help} |`;
  });
  return `# Metrics

What \`datamesh metrics\` and \`http://127.0.0.1:PORT/metrics\` (\`datamesh config set metrics.port PORT\`) give. Written by a test from a running node; do not
edit. Beside these come \`process_…\` and \`nodejs_…\` of the process, with the names that every Node.js program has, the delay of the event loop (\`nodejs_eventloop_lag_p99_seconds\`) among them. Of peers at most ${MAX_PEER_LABELS} have a
label of their own, for as long as they are known; all others count as \`other\`. Alert rules and a dashboard are in \`ops/\`.

| name | type | labels | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}

function totalOf(scraped: Scraped, name: string): number {
  const isHistogram = scraped.types.get(name) === 'histogram';
  return scraped.sum(isHistogram ? `${name}_count` : name);
}

/** Custodians hear of an object a moment after its put. */
async function untilCustodyOf(mesh: EngineMesh, objects: number): Promise<void> {
  const endMs = performance.now() + 20_000;
  // Asked over the census of repair, which does not count orders and so leaves the count fresh.
  for (;;) {
    const report = await mesh.engines[0]!.engine.health();
    if (report.objects === objects && report.ok === objects) break;
    expect(performance.now()).toBeLessThan(endMs);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await new Promise((resolve) => setTimeout(resolve, 1500));
}

function ask(
  port: number,
  options: { method?: string; path?: string; host?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; type: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', path: '/metrics', ...options, port }, (response) => {
      let text = '';
      response.on('data', (part) => (text += part));
      response.on('end', () =>
        resolve({ status: response.statusCode!, type: response.headers['content-type'], text }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

it('tells no delay of an event loop that was not yet measured', async () => {
  const figures = processFigures();
  const lag = async () =>
    (await figures()).flatMap(({ name, samples }) =>
      /eventloop_lag_/.test(name) && name !== 'nodejs_eventloop_lag_seconds' ? samples : [],
    );
  expect(await lag()).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const measured = await lag();
  expect(measured.length).toBe(7);
  for (const { name, value } of measured) expect(value, name).toBeLessThan(60);
});

it('tells the processor time since the process began, also to who asks for the first time', async () => {
  const before = process.cpuUsage();
  const told = (await processFigures()()).filter(({ name }) => name.startsWith('process_cpu_'));
  const seconds = new Map(told.map(({ name, samples }) => [name, samples[0]!.value]));
  expect(seconds.get('process_cpu_user_seconds_total')).toBeGreaterThanOrEqual(before.user / 1e6);
  expect(seconds.get('process_cpu_system_seconds_total')).toBeGreaterThanOrEqual(before.system / 1e6);
  const all = [...seconds.values()].reduce((sum, value) => sum + value, 0);
  expect(seconds.get('process_cpu_seconds_total')).toBeCloseTo(all / 2, 6);
});
