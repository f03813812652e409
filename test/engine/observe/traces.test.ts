/** Spans of a real node, at a collector that is as small as one can be. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type EngineMesh,
  getBytes,
  openEngineMesh,
  putBytes,
  untilEligible,
} from '../../support/engine-mesh.ts';

const SLOW_MS = 60_000;

interface SeenSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: Record<string, unknown> }[];
  status: { code?: number; message?: string };
}

let mesh: EngineMesh | undefined;
const servers: Server[] = [];
afterEach(async () => {
  await mesh?.close();
  for (const server of servers.splice(0)) server.close();
});

async function collector(status = 200) {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part) => (text += part));
    request.on('end', () => {
      bodies.push(text);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end('{}');
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const spans = (): SeenSpan[] =>
    bodies.flatMap((body) =>
      (
        JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: SeenSpan[] }[] }[] }
      ).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((it) => it.spans)),
    );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`, bodies, spans };
}

const fieldsOf = ({ attributes }: SeenSpan) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

async function tracedNode(url: string, events: string[] = []) {
  mesh = await openEngineMesh({ k: 1, m: 1 });
  const traced = await mesh.add('alder', {
    observe: { tracesUrl: url, onEvent: (it) => events.push(it.text) },
  });
  const other = await mesh.add('birch');
  await untilEligible(traced.engine, [other.peerId]);
  return traced;
}

describe('traces', () => {
  it('show a put and a get with their stripes, and nothing of what is stored', {
    timeout: SLOW_MS,
  }, async () => {
    const { url, spans, bodies } = await collector();
    const { engine } = await tracedNode(url);
    const bytes = randomBytes(9 * 2 ** 20);
    const { object } = await putBytes(engine, 'secret-name.txt', bytes);
    expect(object.stripes).toBeGreaterThan(2);
    expect(await getBytes(engine, 'secret-name.txt')).toEqual(bytes);
    await expect(getBytes(engine, 'nothing-there')).rejects.toMatchObject({ code: 'not-found' });
    // What waits is sent before the end.
    await mesh!.close();
    mesh = undefined;
    const named = (name: string) => spans().filter((span) => span.name === name);
    for (const [verb, parents] of [
      ['put', named('datamesh.put')],
      ['get', named('datamesh.get').filter(({ status }) => status.code !== 2)],
    ] as const) {
      expect(parents, verb).toHaveLength(1);
      const [parent] = parents;
      const children = named(`datamesh.${verb}.stripe`);
      expect(children.map((it) => Number(fieldsOf(it)['datamesh.stripe'])).sort()).toEqual(
        Array.from({ length: object.stripes }, (_, at) => at),
      );
      for (const child of children) {
        expect([child.parentSpanId, child.traceId]).toEqual([parent!.spanId, parent!.traceId]);
        expect(BigInt(child.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(parent!.startTimeUnixNano));
        expect(BigInt(child.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(parent!.endTimeUnixNano));
      }
    }
    expect(Number(fieldsOf(named('datamesh.put')[0]!)['datamesh.size_bytes'])).toBe(bytes.length);
    const failed = named('datamesh.get').find(({ status }) => status.code === 2)!;
    expect([failed.status.message, fieldsOf(failed)['error.type']]).toEqual(['not-found', 'not-found']);
    expect(bodies.join()).not.toMatch(/secret-name|nothing-there/);
    expect(bodies.join()).toContain('"service.name"');
  });

  it('cost nothing but themselves where the collector refuses or is away', { timeout: SLOW_MS }, async () => {
    const { url } = await collector(400);
    const events: string[] = [];
    const { engine } = await tracedNode(url, events);
    for (const name of ['a', 'b']) await putBytes(engine, name, randomBytes(50_000));
    const endMs = performance.now() + 15_000;
    while (!events.some((text) => text.includes('takes no spans'))) {
      expect(performance.now()).toBeLessThan(endMs);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await putBytes(engine, 'c', randomBytes(50_000));
    expect((await engine.list()).objects).toHaveLength(3);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(events.filter((text) => text.includes('takes no spans'))).toHaveLength(1);
  });
});
