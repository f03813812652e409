/** Two devices of one owner, desk and lap, that hold nothing themselves, in a mesh of three nodes that do: each knows what the other did only by the mirrored catalog. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { realDisk } from '../../src/engine/effects/real-disk.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openKeyring } from '../../src/engine/keys/keyring.ts';
import { newPhrase } from '../../src/engine/keys/phrase.ts';
import { openEngine } from '../../src/engine/local.ts';
import { dataPaths } from '../../src/engine/options.ts';
import { until } from './until.ts';

const HOLDERS = ['a', 'b', 'c'];
const DEVICES = ['desk', 'lap'] as const;

export interface TwoDevices {
  readonly desk: Engine;
  readonly lap: Engine;
  /** The laptop is off while `work` runs, and is back when it knows the mesh again, but not yet what happened. */
  whileLapIsOff(work: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export async function openTwoDevices(folder: string): Promise<TwoDevices> {
  const opened = new Map<string, Engine>();
  const bootstrap: string[] = [];
  const open = async (name: string): Promise<Engine> => {
    const holds = HOLDERS.includes(name);
    const engine = await openEngine({
      name,
      dataDir: join(folder, name),
      role: 'regular',
      mode: 'service',
      network: { name: 'two', preset: 'local', port: 0, bootstrap, zone: undefined, rack: undefined },
      storage: { quotaBytes: holds ? 2 ** 30 : 0, reserveFraction: 0 },
      reads: { cacheBytes: 0, cacheTtlMs: 0 },
      code: { k: 2, m: 1 },
      access: { mode: 'open', allow: [], deny: [] },
      bandwidth: { upBytesPerSecond: undefined, downBytesPerSecond: undefined },
      mirrorsCatalog: true,
      passphrase: undefined,
    });
    opened.set(name, engine);
    if (name === HOLDERS[0]) bootstrap.push((await engine.status()).addresses[0]!);
    const eligible = async () => (await engine.peers()).filter((peer) => peer.eligible).length;
    if (!holds) await until(`${name} met all`, async () => (await eligible()) >= HOLDERS.length);
    return engine;
  };
  const phrase = newPhrase(realRandom());
  for (const name of [...HOLDERS, ...DEVICES]) {
    await mkdir(join(folder, name), { mode: 0o700 });
    if (!HOLDERS.includes(name)) {
      const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
      await (await openKeyring(effects, dataPaths(join(folder, name)).keyring)).add('main', phrase);
    }
    await open(name);
  }
  return {
    get desk() {
      return opened.get('desk')!;
    },
    get lap() {
      return opened.get('lap')!;
    },
    async whileLapIsOff(work) {
      await opened.get('lap')!.close();
      await work();
      await open('lap');
    },
    async close() {
      await Promise.all([...opened.values()].map((engine) => engine.close()));
    },
  };
}

export async function untilMirrored(engine: Engine): Promise<void> {
  await until('the catalog is mirrored', async () => {
    const { mirror } = await engine.stats();
    return mirror!.sequence > 0 && mirror!.pendingChanges === 0;
  });
}
