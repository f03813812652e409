/** What `doctor` finds in the mesh of a running service, each finding provoked. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doctorCommand } from '../../../src/commands/start/doctor.ts';
import type { Engine, PeerView } from '../../../src/engine/engine.ts';
import type { DiscoveryReport } from '../../../src/engine/views/mesh.ts';
import { VERSION } from '../../../src/version.ts';
import { type Home, makeHome } from '../../support/bin.ts';
import { testContext } from '../../support/context.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';

let home: Home;
beforeEach(() => {
  home = makeHome();
});
afterEach(() => home.remove());

/** Three peers that are as they should be, until `change` has had them. */
async function examine(
  change: (peers: PeerView[]) => void = () => undefined,
  parts: Partial<Engine> & { version?: string; met?: number; metState?: PeerView['state'] } = {},
) {
  const { version = VERSION, met = 3, metState = 'active' } = parts;
  const fake = createFakeEngine({ peerCount: 3, status: { version } });
  const peers = (await fake.peers()).map(
    (peer): PeerView => ({ ...peer, state: 'active', breaker: 'closed', version: VERSION, clockSkewMs: -40 }),
  );
  change(peers);
  const walk = (await fake.discover(1)).peers[0]!;
  const report: DiscoveryReport = {
    durationMs: 1,
    asked: [
      {
        via: 'dht',
        target: 'walk',
        found: met,
        failure: met === 0 ? 'no peer of the DHT answers' : undefined,
      },
    ],
    peers: Array.from({ length: met }, () => ({ ...walk, via: ['dht'], state: metState })),
  };
  const engine: Engine = { ...fake, peers: async () => peers, discover: async () => report };
  const { context, records } = testContext({ config: home.config, configPath: home.configPath });
  const status = await doctorCommand.run(
    { ...context, env: { XDG_CONFIG_HOME: home.folder }, service: async () => engine },
    {},
  );
  return { status, found: (check: string) => records.find((record) => record.check === check) };
}

describe('doctor beside a service', () => {
  it('finds a mesh that is right', async () => {
    const { status, found } = await examine();
    for (const check of ['peers', 'versions', 'clock skew', 'dht'])
      expect(found(check), check).toMatchObject({ state: 'ok', mend: null });
    expect(status).toBe(0);
  });

  it('sees that nobody answers', async () => {
    const { status, found } = await examine((peers) => {
      for (const peer of peers) peer.state = 'offline';
    });
    expect(found('peers')).toMatchObject({
      state: 'fail',
      mend: expect.stringContaining('datamesh bootstrap'),
    });
    expect([status, found('dht')]).toEqual([1, undefined]);
    home.config.network.bootstrap = [];
    const alone = await examine((peers) => peers.splice(0));
    expect(alone.found('peers')).toMatchObject({ state: 'warn' });
  });

  it('names those that do not answer, and does not count them as met', async () => {
    const { found } = await examine((peers) => {
      peers[0]!.state = 'offline';
      peers[2]!.state = 'suspect';
    });
    const [first, , third] = (await createFakeEngine({ peerCount: 3 }).peers()).map(({ name }) => name);
    expect(found('peers')).toMatchObject({
      state: 'warn',
      detail: `1 of 3 answer, ${first}, ${third} do not`,
      mend: expect.stringContaining('datamesh health'),
    });
    const gone = await examine(() => undefined, { met: 2, metState: 'offline' });
    expect(gone.found('dht')).toMatchObject({ state: 'warn', detail: expect.stringContaining('met nobody') });
  });

  it('sees peers that fail or lied', async () => {
    const { found } = await examine((peers) => {
      peers[0]!.breaker = 'open';
      peers[1]!.state = 'quarantined';
    });
    expect(found('peers')).toMatchObject({
      state: 'warn',
      detail: expect.stringMatching(/fail too often.*quarantine/),
      mend: expect.stringContaining('peers --detailed'),
    });
  });

  it('tells this clock, which is wrong, from a peer’s', async () => {
    const here = await examine((peers) => {
      for (const peer of peers) peer.clockSkewMs = 120_000;
    });
    expect(here.found('clock skew')).toMatchObject({
      state: 'fail',
      detail: expect.stringContaining('this clock is 2m00s behind most peers'),
      mend: expect.stringContaining('timedatectl set-ntp true'),
    });
    expect(here.status).toBe(1);
    const there = await examine((peers) => {
      peers[1]!.clockSkewMs = -120_000;
    });
    expect(there.found('clock skew')).toMatchObject({
      state: 'warn',
      detail: expect.stringContaining('2m00s'),
    });
    const none = await examine((peers) => {
      for (const peer of peers) peer.clockSkewMs = undefined;
    });
    expect(none.found('clock skew')).toMatchObject({ state: 'ok' });
  });

  it('sees versions that differ: of the service, and of peers', async () => {
    const own = await examine(undefined, { version: '0.0.9' });
    expect(own.found('versions')).toMatchObject({
      state: 'warn',
      detail: `the service runs version 0.0.9, this command is ${VERSION}`,
      mend: 'datamesh service stop && datamesh service start',
    });
    const units = `${home.folder}/systemd/user`;
    mkdirSync(units, { recursive: true });
    writeFileSync(`${units}/datamesh.service`, `ExecStart=node datamesh --data-dir ${home.dataDir}\n`);
    expect((await examine(undefined, { version: '0.0.9' })).found('versions')?.mend).toBe(
      'systemctl --user restart datamesh.service',
    );
    const others = await examine((peers) => {
      peers[2]!.version = '9.9.9';
    });
    expect(others.found('versions')).toMatchObject({
      state: 'warn',
      detail: expect.stringContaining('9.9.9'),
    });
  });

  it('sees that the DHT leads nowhere', async () => {
    const { found } = await examine(undefined, { met: 0 });
    expect(found('dht')).toMatchObject({
      state: 'warn',
      detail: 'a walk met nobody: no peer of the DHT answers',
      mend: expect.stringContaining('datamesh discover'),
    });
  });
});
