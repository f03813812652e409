/** A ban and a nickname on running nodes: taken up by a reload, without a restart, and taken back the same way. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LiveOptions } from '../../../src/engine/live-options.ts';
import {
  type EngineMesh,
  openEngineMesh,
  putBytes,
  untilEligible,
  viewOf,
} from '../../support/engine-mesh.ts';
import { until } from '../../support/until.ts';

const CODE = { k: 2, m: 1 };
let mesh: EngineMesh;
const live: LiveOptions = {
  bandwidth: { upBytesPerSecond: undefined, downBytesPerSecond: undefined },
  code: CODE,
  access: { mode: 'open', allow: [], deny: [] },
  nicknames: new Map(),
};

beforeAll(async () => {
  mesh = await openEngineMesh(CODE);
  await mesh.add('owner', {
    storage: { quotaBytes: 0, reserveFraction: 0 },
    reload: async () => ({ options: { ...live }, applied: [], restart: [] }),
  });
  for (const name of ['fir', 'elm', 'oak']) await mesh.add(name);
}, 60_000);
afterAll(() => mesh.close());

test('a ban hangs up, keeps the peer away, and health counts what it holds as not reachable; unban brings all back', async () => {
  const [owner, fir, ...others] = mesh.engines;
  const { engine } = owner!;
  await untilEligible(engine, [fir!.peerId, ...others.map(({ peerId }) => peerId)]);
  await putBytes(engine, 'kept', new Uint8Array(100_000).fill(7));
  expect(await engine.health()).toMatchObject({ ok: 1, silentPeers: [] });
  const would = await engine.whatif({ lose: [fir!.peerId] });
  expect(would.changed).toBe(1);

  live.access = { mode: 'open', allow: [], deny: [fir!.peerId] };
  await engine.reload();
  await until(
    'the connection is closed',
    async () => (await viewOf(engine, fir!.peerId)).state === 'offline',
  );
  expect(await viewOf(engine, fir!.peerId)).toMatchObject({ banned: true, direction: undefined });
  const report = await engine.health();
  expect(report).toMatchObject({ ok: 0, silentPeers: [fir!.peerId] });
  expect(report.stripes).toEqual(would.after.stripes);
  // It goes on dialling, and finds the door closed each time.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect((await viewOf(engine, fir!.peerId)).state).toBe('offline');
  expect((await viewOf(fir!.engine, owner!.peerId)).state).not.toBe('active');

  live.access = { mode: 'open', allow: [], deny: [] };
  await engine.reload();
  await untilEligible(engine, [fir!.peerId]);
  expect((await viewOf(engine, fir!.peerId)).banned).toBe(false);
  expect(await engine.health()).toMatchObject({ ok: 1, silentPeers: [] });
}, 90_000);

test('a nickname is shown and understood here, wins over what another peer calls itself, and is told to nobody', async () => {
  const [owner, fir, elm, oak] = mesh.engines;
  const { engine } = owner!;
  await untilEligible(engine, [fir!.peerId, elm!.peerId, oak!.peerId]);
  // As if elm had taken the name of fir's nickname later.
  live.nicknames = new Map([[fir!.peerId, 'elm']]);
  await engine.reload();
  expect(await viewOf(engine, fir!.peerId)).toMatchObject({ name: 'elm', nickname: 'elm', ownName: 'fir' });
  expect(await viewOf(engine, elm!.peerId)).toMatchObject({ name: undefined, ownName: 'elm' });
  const gone = async (lose: string) => (await engine.whatif({ lose: [lose] })).gone;
  expect(await gone('elm')).toMatchObject([{ peerId: fir!.peerId, name: 'elm' }]);
  expect(await gone('fir')).toMatchObject([{ peerId: fir!.peerId }]);
  expect((await engine.speedTest('elm', 50)).peerId).toBe(fir!.peerId);
  const seen = await oak!.engine.peers();
  expect(seen.find(({ peerId }) => peerId === fir!.peerId)).toMatchObject({
    name: 'fir',
    nickname: undefined,
  });
  live.nicknames = new Map();
  await engine.reload();
  expect(await viewOf(engine, fir!.peerId)).toMatchObject({ name: 'fir', nickname: undefined });
}, 60_000);
