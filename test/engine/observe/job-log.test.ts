/** What the work of real engines writes into the logs of its jobs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EngineMesh, openEngineMesh, putBytes, untilEligible } from '../../support/engine-mesh.ts';

let mesh: EngineMesh;
beforeAll(async () => {
  mesh = await openEngineMesh({ k: 2, m: 1 });
  await mesh.add('owner', { storage: { quotaBytes: 0, reserveFraction: 0 } });
  for (const name of ['fir', 'elm', 'oak']) await mesh.add(name);
}, 60_000);
afterAll(() => mesh.close());

test('a put says where it ended up, a cleanup whom it asked, a repair what it found missing', async () => {
  const [owner, fir, ...others] = mesh.engines;
  const { engine } = owner!;
  await untilEligible(engine, [fir!.peerId, ...others.map(({ peerId }) => peerId)]);
  const logOf = async (verb: string) => {
    const job = (await engine.jobs.list()).find((each) => each.verb === verb);
    return (await engine.jobs.show(job!.id)).log.map(({ level, text }) => `${level} ${text}`);
  };
  const { shardsWanted } = await putBytes(engine, 'kept', new Uint8Array(100_000).fill(7));
  expect(await logOf('put')).toEqual([
    `info ${shardsWanted} of ${shardsWanted} shards durable, at 3 holders`,
  ]);
  await engine.cleanup({ orphaned: true, duplicates: false, dryRun: true });
  expect(await logOf('cleanup')).toContainEqual(
    expect.stringMatching(/^info fir: [12] shards listed, 0 of no object$/),
  );
  await expect(engine.get('nothing of that name')).rejects.toMatchObject({ code: 'not-found' });
  expect(await logOf('get')).toEqual([expect.stringMatching(/^error failed: .*nothing of that name/)]);

  await fir!.engine.close();
  const report = await engine.repair({});
  expect(report.shardsMissing).toBeGreaterThan(0);
  const found = await logOf('repair');
  expect(found).toHaveLength(report.worst.length);
  expect(found).toContainEqual('warn kept, stripe 1: 1 shards missing, spare 0');
}, 60_000);
