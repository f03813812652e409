import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDirectory } from '../../../src/engine/backends/directory-backend.ts';
import { localBackend } from '../../../src/engine/backends/local-backend.ts';
import { peerBackend } from '../../../src/engine/backends/peer-backend.ts';
import { serveShards } from '../../../src/engine/backends/shard-service.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { openShardStore } from '../../../src/engine/shardstore/segment-store.ts';
import { tellingWhatGoes } from '../../../src/engine/shardstore/store.ts';
import { type PeerId, shardIdOf } from '../../../src/engine/types.ts';
import { attesterOf } from '../../support/attester.ts';
import { MemoryNet } from '../../support/memory-net.ts';
import { OWNER_A, OWNER_B } from '../shardstore/shards.ts';
import { backendContract } from './contract.ts';

const ATTESTER = attesterOf('holder');
const SELF = ATTESTER.peerId;

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'datamesh-backend-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Flips a byte of these in whatever file below the folder has them. */
async function rotBelow(path: string, bytes: Uint8Array): Promise<void> {
  const names = await readdir(path, { recursive: true, withFileTypes: true });
  for (const entry of names) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const content = await readFile(file);
    const at = content.indexOf(bytes.subarray(0, 64));
    if (at === -1) continue;
    content[at + (bytes.length >> 1)]! ^= 1;
    return await writeFile(file, content, { flag: 'r+' });
  }
  throw new Error('the shard is in no file');
}

const openStore = (dir: string) =>
  openShardStore({
    dir,
    disk: realDisk(),
    clock: realClock(),
    idOf: (bytes) => shardIdOf(blake3(bytes)),
    quotaBytes: 1e9,
    reserveFraction: 0,
  });

backendContract('local', async () => {
  const { path, remove } = await folder();
  const announced: string[] = [];
  const gone: string[] = [];
  const openTelling = async () => tellingWhatGoes(await openStore(path), (id) => gone.push(id));
  let store = await openTelling();
  const open = () => localBackend(SELF, store, (id) => announced.push(id), ATTESTER);
  return {
    backend: open(),
    asker: SELF,
    rot: (_id, bytes) => rotBelow(path, bytes),
    announced,
    gone,
    async reopen() {
      await store.close();
      store = await openTelling();
      return open();
    },
    async close() {
      await store.close();
      await remove();
    },
  };
});

backendContract('peer', async () => {
  const { path, remove } = await folder();
  const announced: string[] = [];
  const gone: string[] = [];
  const store = tellingWhatGoes(await openStore(path), (id) => gone.push(id));
  const net = new MemoryNet();
  await serveShards({
    net: net.node(SELF),
    store,
    ownersOf: () => new Set([OWNER_A, OWNER_B]),
    admitsOwner: () => true,
    announce: (id) => announced.push(id),
    attester: ATTESTER,
    clock: realClock(),
  });
  return {
    backend: peerBackend(net.node('asker' as PeerId), SELF, realClock()),
    asker: 'asker' as PeerId,
    rot: (_id, bytes) => rotBelow(path, bytes),
    announced,
    gone,
    async close() {
      await store.close();
      await remove();
    },
  };
});

backendContract('directory', async () => {
  const { path, remove } = await folder();
  const announced: string[] = [];
  const gone: string[] = [];
  const open = () =>
    openDirectory({
      disk: realDisk(),
      random: realRandom(),
      hash: blake3,
      path: join(path, 'shards'),
      node: SELF,
      create: true,
      adopt: false,
      reserveFraction: 0,
      quotaBytes: undefined,
      announce: (id) => announced.push(id),
      gone: (id) => gone.push(id),
      attester: ATTESTER,
    });
  const rot = (_id: unknown, bytes: Uint8Array) => rotBelow(path, bytes);
  return { backend: await open(), asker: SELF, rot, announced, gone, reopen: open, close: remove };
});
