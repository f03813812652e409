import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/engine/engine.ts';
import type { ObjectId, PeerId } from '../../src/engine/types.ts';
import type { PoolView } from '../../src/engine/views/pools.ts';
import { drawPanel, initialPanels, rowIds, SORTS } from '../../src/panels/catalogue.ts';
import { rowText, rowWidth } from '../../src/panels/cells.ts';
import { PANELS, type PanelInput, type PanelState, sameInput } from '../../src/panels/panel.ts';
import { arrangePeers } from '../../src/panels/peers.ts';
import { paintRows, themeFrom } from '../../src/panels/theme.ts';
import { createFakeEngine, FAKE_START_MS } from '../support/fake-engine.ts';

const unicode = themeFrom({ LANG: 'C.UTF-8' });
const ascii = themeFrom({ LANG: 'C' });
const snapshot = await createFakeEngine({ objects: [{ name: 'a', content: 'x' }] }).snapshot();
const lonely = await createFakeEngine({ peerCount: 0, noHealth: true }).snapshot();
const states = initialPanels();

function input(more: Partial<PanelInput> = {}): PanelInput {
  return {
    snapshot,
    peerTrend: [1, 2, 3],
    nowMs: FAKE_START_MS,
    stale: false,
    state: states.peers,
    focused: false,
    typingFilter: undefined,
    width: 80,
    height: 12,
    theme: unicode,
    ...more,
  };
}

const text = (id: (typeof PANELS)[number], more: Partial<PanelInput> = {}) =>
  drawPanel(id, input({ state: states[id], ...more }))
    .map(rowText)
    .join('\n');

it('a panel stands while all that it is drawn from stands, and for less than the second by which ages are told', () => {
  const before = input({ browsed: false });
  expect(sameInput(before, { ...before, nowMs: before.nowMs + 499 })).toBe(true);
  expect(sameInput(before, { ...before, nowMs: before.nowMs + 500 })).toBe(false);
  // The clock was set back.
  expect(sameInput(before, { ...before, nowMs: before.nowMs - 1 })).toBe(false);
  const others: Partial<PanelInput> = {
    snapshot: lonely,
    peerTrend: [1, 2, 3, 4],
    stale: true,
    state: { ...states.peers },
    focused: true,
    browsed: true,
    typingFilter: '',
    width: 81,
    height: 13,
    theme: ascii,
  };
  expect([...Object.keys(others), 'nowMs'].sort()).toEqual(Object.keys(before).sort());
  for (const [key, value] of Object.entries(others)) {
    expect(sameInput(before, { ...before, [key]: value }), key).toBe(false);
  }
});

describe('every panel', () => {
  it('fills its box exactly, whatever its size, data and state', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PANELS),
        fc.integer({ min: 24, max: 220 }),
        fc.integer({ min: 4, max: 60 }),
        fc.constantFrom<Snapshot | undefined>(snapshot, lonely, undefined),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(unicode, ascii),
        fc.string({ maxLength: 10 }),
        (id, width, height, data, focused, stale, theme, filter) => {
          const rows = drawPanel(
            id,
            input({ snapshot: data, width, height, focused, stale, theme, state: { ...states[id], filter } }),
          );
          expect(rows).toHaveLength(height);
          for (const row of rows) expect(rowWidth(row)).toBe(width);
          expect(rows.map(rowText).join('')).not.toContain('this panel failed');
          if (theme === ascii)
            expect(paintRows(rows, { ...ascii, colour: false })).toMatch(/^[ -~\n\u001b]*$/);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('says where nothing is yet', () => {
    expect(text('peers', { snapshot: undefined })).toContain('waiting for the first sample');
    expect(text('peers', { snapshot: lonely })).toContain('no peers yet');
    expect(text('health', { snapshot: lonely })).toContain('first census is running');
  });

  it('marks old data and takes its colours', () => {
    const rows = drawPanel('peers', input({ stale: true, nowMs: FAKE_START_MS + 9000 }));
    expect(rowText(rows[0]!)).toContain('stale 9s');
    expect(new Set(rows.slice(1, -1).flatMap((row) => row.slice(1, -1).map((each) => each.tone)))).toEqual(
      new Set(['dim', 'plain']),
    );
  });

  it('shows its error instead of taking the screen down', () => {
    const broken = { ...snapshot, peers: undefined } as unknown as Snapshot;
    expect(text('peers', { snapshot: broken })).toContain('this panel failed');
  });

  it('cannot be made to act by a name from elsewhere', () => {
    const peers = [{ ...snapshot.peers[0]!, name: 'evil\u001b[2J\nname\u202e' }];
    const drawn = text('peers', { snapshot: { ...snapshot, peers } });
    expect(drawn).toContain('evil\\e[2J');
    expect(drawn).not.toMatch(/\u001b|\u202e/);
  });
});

describe('peers', () => {
  const state = (more: Partial<PanelState>) => ({ ...states.peers, ...more });

  it('come in one order for one state, reversed when asked, ties by id', () => {
    for (const sort of SORTS.peers) {
      const once = arrangePeers(snapshot.peers, state({ sort })).map((peer) => peer.peerId);
      const shuffled = arrangePeers([...snapshot.peers].reverse(), state({ sort })).map(
        (peer) => peer.peerId,
      );
      expect(shuffled).toEqual(once);
      expect(new Set(once).size).toBe(snapshot.peers.length);
    }
    const rtt = arrangePeers(snapshot.peers, state({ sort: 'rtt' })).map((peer) => peer.rttMs);
    const known = rtt.filter((value) => value !== undefined);
    expect(known).toEqual([...known].sort((a, b) => a - b));
    expect(rtt.slice(known.length).every((value) => value === undefined)).toBe(true);
  });

  it('pass a filter by word, by its absence, and by field', () => {
    const names = (filter: string) =>
      arrangePeers(snapshot.peers, state({ filter, sort: 'name' })).map((peer) => peer.name);
    expect(names('OAK')).toEqual(['oak']);
    expect(names('state:offline')).toEqual(['larch']);
    expect(names('!state:active !zone:eu')).not.toContain('birch');
    expect(names('state:active zone:us-1').length).toBeGreaterThan(0);
    expect(rowIds('peers', snapshot, state({ filter: 'nothing like it' }))).toEqual([]);
    // No field has such a name: a word like any other, in every panel.
    for (const panel of ['peers', 'jobs', 'events'] as const)
      expect(rowIds(panel, snapshot, state({ filter: 'constructor:x __proto__:y' }))).toEqual([]);
  });

  it('show a ban of this node before what the peer does, and what a nicknamed one calls itself', () => {
    const [first, ...others] = snapshot.peers;
    const peer = { ...first!, banned: true, state: 'offline' as const, nickname: 'attic', name: 'attic' };
    const data = { ...snapshot, peers: [peer, ...others] };
    expect(text('peers', { snapshot: data, height: 30 })).toMatch(/attic .*✖ banned/);
    const drill = [{ kind: 'peer' as const, peerId: peer.peerId }];
    expect(text('peers', { snapshot: data, height: 30, state: state({ drill }) })).toContain(
      'calls itself birch',
    );
    expect(rowIds('peers', data, state({ filter: 'state:banned' }))).toEqual([peer.peerId]);
    expect(rowIds('peers', data, state({ filter: 'birch' }))).toEqual([peer.peerId]);
  });

  it('show no figures of one that is offline as if they were of now', () => {
    const [first, ...others] = snapshot.peers;
    const known = { rttMs: 7, shards: 4321, freeBytes: 5e9 };
    const peer = { ...first!, ...known, state: 'offline' as const, name: 'gone' };
    const data = { ...snapshot, peers: [peer, ...others] };
    const row = text('peers', { snapshot: data, width: 160, height: 30 })
      .split('\n')
      .find((line) => line.includes('gone'));
    expect(row).toContain('offline');
    expect(row).not.toMatch(/7ms|4 321|GB|GiB/);
    for (const sort of ['rtt', 'shards'])
      expect(arrangePeers(data.peers, state({ sort })).slice(-3)).toContain(peer);
    const drill = [{ kind: 'peer' as const, peerId: peer.peerId }];
    expect(text('peers', { snapshot: data, height: 30, state: state({ drill }) })).toMatch(
      /4 321 shards, .* free, as it said last/,
    );
  });

  it('keep the selected one in sight wherever it moves', () => {
    for (const peer of snapshot.peers) {
      const rows = drawPanel(
        'peers',
        input({ focused: true, height: 8, state: state({ selectedId: peer.peerId }) }),
      );
      expect(rows.filter((row) => row.some((each) => each.tone === 'selected'))).toHaveLength(1);
    }
  });
});

describe('bandwidth', () => {
  const after = (seconds: number): Snapshot => {
    const rate = { ...snapshot.bandwidth.up, now: 5e6, avg1m: 5e6, avg5m: 5e6, peak: 5e6 };
    const of = (count: number) => Array.from({ length: Math.floor(count) }, () => 5e6);
    const window = {
      ...{ ...rate, history: of(Math.min(60, seconds)) },
      ...{ history10m: of(Math.min(60, seconds / 10)), history24h: of(seconds / 300) },
    };
    return { ...snapshot, bandwidth: { ...snapshot.bandwidth, up: window, down: window } };
  };
  const shown = (seconds: number, window: PanelState['window']) =>
    text('bandwidth', { snapshot: after(seconds), state: { ...states.bandwidth, window } });

  it('says how much of its window was measured, and draws nothing over the rest', () => {
    expect(shown(0, '60s')).toMatch(/nothing measured yet .*60s/);
    expect(shown(0, '60s')).not.toMatch(/[0-9] [kM]?B\/s.*peak/);
    expect(shown(6, '60s')).toMatch(/measured 6s .*60s/);
    expect(shown(6, '60s')).toMatch(/1m –/);
    const [full, begun] = [shown(60, '60s'), shown(6, '60s')].map((it) => it.match(/[⠀-⣿]/g)!.length);
    expect(begun).toBeLessThan(full! / 5);
    expect(shown(61, '60s')).toMatch(/1m 5.0 MB\/s/);
    expect(shown(61, '60s')).not.toContain('measured');
    expect(shown(3 * 3600, '24h')).toMatch(/measured 3h00m .*24h/);
  });
});

describe('health', () => {
  it('puts the spare histogram first, with the levels that may lose data on top', () => {
    const lines = text('health', { width: 60 }).split('\n');
    expect(lines[1]).toMatch(/spare 0 .*1 │$/);
    expect(lines[2]).toMatch(/spare 1 .*9 │$/);
    const lost = { ...snapshot.health!, stripes: { ...snapshot.health!.stripes, lost: 2 } };
    expect(text('health', { snapshot: { ...snapshot, health: lost } }).split('\n')[1]).toMatch(/lost .*2 │$/);
  });

  it('calls an object whole only where the census says so', () => {
    const object = { sizeBytes: 1, code: { k: 4, m: 2 }, tags: [], createdAtMs: FAKE_START_MS - 9 };
    // As the census names it, and by another name: of a copy, or one that it was given since.
    const worst = snapshot.health!.worst.find(({ name }) => name === 'backup/mail.mbox')!;
    const objects = [worst.name, 'mail of old', 'whole', 'new'].map((name, at) => ({
      ...object,
      name,
      objectId: at < 2 ? worst.objectId : (`${at}`.repeat(64) as ObjectId),
    }));
    objects[3]!.createdAtMs = FAKE_START_MS + 9;
    const drill = [{ kind: 'objects' as const, objects, complete: true, error: undefined }];
    const states = (change: Partial<NonNullable<Snapshot['health']>> | undefined) => {
      const health = change && { ...snapshot.health!, takenAtMs: FAKE_START_MS, ...change };
      const state = { ...initialPanels().health, drill };
      const lines = text('health', { width: 60, state, snapshot: { ...snapshot, health } }).split('\n');
      return lines.slice(2, 6).map((line) => /(\S+) +│$/.exec(line)?.[1]);
    };
    expect(states({})).toEqual(['degraded', 'degraded', 'ok', 'unknown']);
    expect(states({ degraded: 4000 })).toEqual(['degraded', 'degraded', 'unknown', 'unknown']);
    expect(states({ unseen: true })).toEqual(['degraded', 'degraded', 'unknown', 'unknown']);
    expect(states(undefined)).toEqual(['unknown', 'unknown', 'unknown', 'unknown']);
  });

  it('names each state beside its colour', () => {
    expect(text('health', { width: 80 })).toMatch(/✔ 117 ok {2}▲ 3 degraded {2}✖ 1 critical/);
    expect(text('health', { width: 80, theme: ascii })).toMatch(/\[ok\] 117 ok {2}\[!\] 3 degraded/);
  });
});

describe('jobs', () => {
  const state = (more: Partial<PanelState>) => ({ ...states.jobs, ...more });

  it('keep on top what a person keeps, whatever the order', () => {
    expect(rowIds('jobs', snapshot, state({}))).toEqual(['j1', 'j2']);
    for (const reverse of [false, true])
      for (const sort of SORTS.jobs)
        expect(rowIds('jobs', snapshot, state({ kept: ['j2'], sort, reverse }))).toEqual(['j2', 'j1']);
    const lines = text('jobs', { state: state({ kept: ['j2'] }) }).split('\n');
    expect(lines[0]).toContain('1 kept on top');
    expect(lines[2]).toContain('» backup');
  });

  it('show the log of one, also that it is being read, and why it cannot be', () => {
    const drawn = (more: object) =>
      text('jobs', {
        height: 20,
        state: state({ drill: [{ kind: 'job', id: 'j2', log: undefined, error: undefined, ...more }] }),
      });
    expect(drawn({})).toContain('reading its log');
    expect(drawn({ error: 'the service has ended' })).toContain('the service has ended');
    const log = [{ atMs: FAKE_START_MS, level: 'warn' as const, text: 'birch\u001b[2J took no shard' }];
    expect(drawn({ log: { log, logDropped: 7, state: 'failed' } })).toMatch(
      /log, 7 older lines are gone[\s\S]*warn {2}birch\\e\[2J took no shard/,
    );
    expect(drawn({ log: { log: [], logDropped: 0, state: 'running' } })).toContain('said nothing so far');
  });
});

describe('storage', () => {
  const pool = (
    name: string,
    objects: number,
    logicalBytes: number,
    more: Partial<PoolView> = {},
  ): PoolView => ({
    ...snapshot.pools[0]!,
    name,
    usage: { objects, versions: objects, logicalBytes, storedBytes: logicalBytes * 1.5 },
    ...more,
  });
  const folder = (path: string, quotaBytes?: number) => ({
    path,
    holder: 'Dir1' as PeerId,
    freeBytes: 1e9,
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
  });
  const disks = pool('disks', 1, 2 ** 30, {
    nodes: [],
    folders: [folder('/a', 2 ** 31), folder('/b', 2 ** 31)],
  });
  const half = pool('half', 3, 2 ** 20, { nodes: [], folders: [folder('/a', 2 ** 31), folder('/b')] });
  const pools = [pool('default', 7, 2 ** 21), disks, half];
  const data = { ...snapshot, pools };
  const names = (more: Partial<PanelState>) => rowIds('storage', data, { ...states.storage, ...more });

  it('shows of each pool what the engine says, and a quota only where every folder has one', () => {
    const lines = text('storage', { snapshot: data, width: 70, height: 16 }).split('\n');
    expect(lines[0]).toMatch(/6 Storage {2}3 pools {2}sort:stored/);
    expect(lines.find((line) => line.includes('disks'))).toMatch(
      /disks +1 +1\.0 GiB +1\.5 GiB +4\+2 +4\.0 GiB/,
    );
    expect(lines.find((line) => line.includes('half'))).toMatch(/half +3 +1\.0 MiB +1\.5 MiB +4\+2 +–/);
    expect(lines.find((line) => line.includes('default'))).toMatch(/default +7 +2\.0 MiB +3\.0 MiB +4\+2 +–/);
  });

  it('sorts by every column either way, and filters', () => {
    expect(names({})).toEqual(['disks', 'default', 'half']);
    expect(names({ reverse: true })).toEqual(['half', 'default', 'disks']);
    expect(names({ sort: 'objects' })).toEqual(['default', 'half', 'disks']);
    expect(names({ sort: 'name', reverse: true })).toEqual(['half', 'disks', 'default']);
    expect(names({ sort: 'quota' })[0]).toBe('disks');
    expect(names({ filter: 'def' })).toEqual(['default']);
    for (const sort of SORTS.storage) expect(new Set(names({ sort })).size).toBe(3);
  });

  it('gives the pools room before its own figures where there is little', () => {
    for (const height of [6, 8, 10]) {
      const drawn = text('storage', { snapshot: data, height, focused: true });
      expect(drawn).toContain('used');
      expect(drawn).toContain('disks');
    }
  });
});
