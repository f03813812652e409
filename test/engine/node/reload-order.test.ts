/** Two reloads of one node at once, as `config set` gives with a SIGHUP: what was read last is what holds. */
import { afterAll, expect, test } from 'vitest';
import { type EngineMesh, openEngineMesh } from '../../support/engine-mesh.ts';

let mesh: EngineMesh;
afterAll(() => mesh.close());

test('the older one is not the last to be applied, and one that fails holds nobody up', async () => {
  let upBytesPerSecond = 1000;
  const readsMs = [200, 0, -1, 0];
  mesh = await openEngineMesh({ k: 2, m: 1 });
  const { engine } = await mesh.add('owner', {
    async reload() {
      const read = upBytesPerSecond;
      const readMs = readsMs.shift()!;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, readMs)));
      if (readMs < 0) throw new Error('no such configuration');
      const bandwidth = { upBytesPerSecond: read, downBytesPerSecond: undefined };
      const access = { mode: 'open' as const, allow: [], deny: [] };
      const options = { bandwidth, code: { k: 2, m: 1 }, access, nicknames: new Map() };
      return { options, applied: [], restart: [] };
    },
  });
  const first = engine.reload();
  upBytesPerSecond = 2000;
  await Promise.all([first, engine.reload()]);
  const cap = async () => (await engine.snapshot()).bandwidth.capUpBytesPerSecond;
  expect(await cap()).toBe(2000);
  upBytesPerSecond = 3000;
  const [fails] = await Promise.allSettled([engine.reload(), engine.reload()]);
  expect({ fails: fails.status, cap: await cap() }).toEqual({ fails: 'rejected', cap: 3000 });
}, 60_000);
