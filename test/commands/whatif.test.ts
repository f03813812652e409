import { describe, expect, it } from 'vitest';
import { nodeCalled, nodesCalled } from '../../src/engine/mesh/peer-refs.ts';
import type { PeerId } from '../../src/engine/types.ts';
import { parseArgv } from '../../src/lang/argv.ts';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';
import { realRegistry } from '../support/registry.ts';

const objects = [
  { name: 'a', content: 'a' },
  { name: 'b', content: 'b' },
];

describe('whatif lose', () => {
  it('shows every state now and after, and ends with 0 while all can still be read', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }) });
    expect(await runLine(host, 'whatif', 'lose', 'birch')).toBe(0);
    expect(host.seen.records).toContainEqual({ of: 'objects', state: 'ok', now: 2, after: 0 });
    expect(host.seen.records).toContainEqual({ of: 'objects', state: 'degraded', now: 0, after: 2 });
    expect(host.seen.records).toContainEqual({ of: 'stripes', state: 'spare 1', now: 0, after: 2 });
    expect(host.seen.notes[0]).toMatch(/without birch: .* 2 objects of 2 would change, 0 could not be read/);
  });

  it('ends with 7 when something would be lost, and names it', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }) });
    expect(await runLine(host, 'whatif', 'lose', 'zone:EU-1')).toBe(7);
    expect(host.seen.records).toContainEqual({ of: 'objects', state: 'lost', now: 0, after: 2 });
    expect(host.seen.notes).toContain('ok -> lost: a (spare -4)');
    const listed = testHost({ engine: createFakeEngine({ objects }) });
    expect(await runLine(listed, 'whatif', 'zone:eu-1', '--objects')).toBe(7);
    expect(listed.seen.records.map(({ name, after }) => [name, after])).toEqual([
      ['a', 'lost'],
      ['b', 'lost'],
    ]);
    for (const record of listed.seen.records) expect(Object.values(record)).not.toContain(undefined);
  });

  it('wants to be told who', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }) });
    expect(await runLine(host, 'whatif', 'lose', 'nobody')).toBe(8);
    expect(await runLine(host, 'whatif', 'lose', 'zone:nowhere')).toBe(8);
    expect(await runLine(host, 'whatif', 'lose', 'rack:r1')).toBe(2);
    expect(host.seen.errors.at(-1)!.toRecord().mend).toContain('rack:eu-1/r1');
    expect(await runLine(host, 'whatif', 'lose', 'rack:eu-2/r1')).toBe(0);
    await expect(runLine(host, 'whatif', 'lose')).rejects.toThrow(/needs PLACE/);
  });
});

describe('nodes by what people call them', () => {
  const node = (peerId: string, name?: string, zone?: string, rack?: string) => ({
    peerId: peerId as PeerId,
    name,
    zone,
    rack,
  });
  const nodes = [
    node('12D3KooWaaaa', 'one', 'fra', '1'),
    node('12D3KooWbbbb', 'two', 'FRA ', '2'),
    node('12D3KooWcccc', 'two', 'ams', '1'),
    node('12D3KooWdddd'),
  ];
  const ids = (text: string) => nodesCalled(nodes, text).map(({ peerId }) => peerId.slice(-4));

  it('finds one by id, name, or the end of its id, and refuses what fits two', () => {
    expect(nodeCalled(nodes, 'one').peerId).toBe('12D3KooWaaaa');
    expect(ids('cccc')).toEqual(['cccc']);
    expect(() => ids('two')).toThrow(/2 peers are called "two"/);
    expect(() => ids('12D3')).toThrow(/4 peers/);
    expect(() => ids('ccc')).toThrow(/no peer/);
  });

  it('finds places as placement compares their labels', () => {
    expect(ids('zone:fra')).toEqual(['aaaa', 'bbbb']);
    expect(ids('rack:2')).toEqual(['bbbb']);
    expect(ids('rack:ams/1')).toEqual(['cccc']);
    expect(() => ids('rack:1')).toThrow(/2 zones have a rack "1"/);
    expect(ids('zone:')).toEqual(['dddd']);
  });
});

describe('events', () => {
  it('refuses a source that there is not, with those there are', () => {
    expect(parseArgv(['events', '--source', 'xyz'], realRegistry()).diagnostics).toMatchObject([
      { code: 'bad-value', mend: expect.stringContaining('mesh') },
    ]);
  });

  it('lists them by level, source and number', async () => {
    const engine = createFakeEngine();
    const all = testHost({ engine });
    expect(await runLine(all, 'events')).toBe(0);
    expect(all.seen.records.length).toBeGreaterThan(3);
    const seqs = all.seen.records.map(({ seq }) => seq as number);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    const warned = testHost({ engine });
    await runLine(warned, 'events', '--level', 'warn');
    expect(new Set(warned.seen.records.map(({ level }) => level))).not.toContain('info');
    expect(warned.seen.records.length).toBeGreaterThan(0);
    const mesh = testHost({ engine });
    await runLine(mesh, 'events', '--source', 'mesh', '--last', '1');
    expect(mesh.seen.records.map(({ source }) => source)).toEqual(['mesh']);
    const none = testHost({ engine });
    await runLine(none, 'events', '--last', '0');
    expect(none.seen.records).toEqual([]);
  });

  it('follows until it is stopped, and shows each once', async () => {
    const stop = new AbortController();
    const engine = createFakeEngine();
    const host = testHost({ engine, signal: stop.signal });
    const running = runLine(host, 'events', '--follow');
    await expect
      .poll(() => engine.calls.filter((call) => call === 'events').length)
      .toBeGreaterThanOrEqual(2);
    engine.advance(60_000);
    const later = (await engine.events()).filter(({ level }) => level !== 'debug').length;
    await expect.poll(() => host.seen.records.length, { timeout: 10_000 }).toBe(later);
    stop.abort();
    expect(await running).toBe(130);
    const seqs = host.seen.records.map(({ seq }) => seq);
    expect(new Set(seqs).size).toBe(seqs.length);
  });
});
