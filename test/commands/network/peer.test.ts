/** `peer ban`, `peer unban`, `peer name` on a fake engine and a configuration file of the test's own. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { completionSources } from '../../../src/commands/start/completion.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { fakePeerId } from '../../support/fake-figures.ts';
import { runLine, type TestHost, testHost } from '../../support/host.ts';

const BIRCH = fakePeerId(1);
const STRANGER = fakePeerId(77);
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dm-peer-'));
  path = join(folder, 'config.json');
  await writeFile(path, JSON.stringify({ version: 2, access: { mode: 'open' } }));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function host(answer?: boolean): TestHost {
  const engine = createFakeEngine({
    objects: [
      { name: 'a', content: 'a' },
      { name: 'b', content: 'b' },
    ],
  });
  const options = answer === undefined ? { engine } : { engine, answer };
  return { ...testHost(options), configPath: () => path };
}
const file = async () => JSON.parse(await readFile(path, 'utf8'));

describe('peer ban', () => {
  it('asks with the figures of a census, writes the list, and unban takes the peer off again', async () => {
    const asked = host(true);
    expect(await runLine(asked, 'peer', 'ban', 'birch')).toBe(0);
    expect(asked.questions[0]).toMatch(
      /Ban birch .* 2 shards on it .* 2 objects would be degraded or worse, 0 could not be read/,
    );
    expect(asked.seen.records).toEqual([
      { peerId: BIRCH, name: 'birch', banned: true, shards: 2, objectsChanged: 2, objectsLost: 0 },
    ]);
    expect(await file()).toMatchObject({ access: { mode: 'open', deny: [BIRCH] } });

    const again = host(true);
    expect(await runLine(again, 'peer', 'ban', 'birch')).toBe(0);
    expect(again.questions).toEqual([]);
    expect(again.seen.notes[0]).toContain('banned already');

    const back = host();
    expect(await runLine(back, 'peer', 'unban', 'birch')).toBe(0);
    expect(back.seen.records).toMatchObject([{ peerId: BIRCH, banned: false }]);
    expect((await file()).access.deny).toEqual([]);
    expect(await runLine(host(), 'peer', 'unban', 'birch')).toBe(8);
  });

  it('keeps what others write at the same time', async () => {
    const peers = Array.from({ length: 6 }, (_, at) => fakePeerId(80 + at));
    await Promise.all(peers.map((peer) => runLine(host(true), 'peer', 'ban', peer)));
    expect((await file()).access.deny.toSorted()).toEqual(peers.toSorted());
    await Promise.all(peers.map((peer) => runLine(host(), 'peer', 'unban', peer)));
    expect((await file()).access.deny).toEqual([]);
  });

  it('does nothing when the answer is no, or for a dry run', async () => {
    const no = host(false);
    expect(await runLine(no, 'peer', 'ban', 'birch')).not.toBe(0);
    expect(no.seen.records).toEqual([]);
    expect((await file()).access.deny).toBeUndefined();
    const dry = host();
    expect(await runLine(dry, 'peer', 'ban', 'birch', '--dry-run')).toBe(0);
    expect(dry.questions).toEqual([]);
    expect(dry.seen.records).toMatchObject([{ dryRun: true, shards: 2 }]);
    expect((await file()).access.deny).toBeUndefined();
  });

  it('takes a stranger by the whole id alone, and never this node', async () => {
    const stranger = host(true);
    expect(await runLine(stranger, 'peer', 'ban', STRANGER)).toBe(0);
    expect(stranger.seen.records).toMatchObject([{ peerId: STRANGER, name: null, shards: null }]);
    expect(await runLine(host(true), 'peer', 'unban', STRANGER.slice(-8))).toBe(0);
    expect((await file()).access.deny).toEqual([]);
    expect(await runLine(host(true), 'peer', 'ban', 'nobody')).toBe(8);
    expect(await runLine(host(true), 'peer', 'ban', 'alder')).toBe(2);
    expect(await runLine(host(true), 'peer', 'ban', fakePeerId(0))).toBe(2);
  });

  it('leaves a list alone that it cannot read', async () => {
    await writeFile(path, JSON.stringify({ version: 2, access: { deny: 'birch' } }));
    const broken = host(true);
    expect(await runLine(broken, 'peer', 'ban', 'birch')).not.toBe(0);
    expect(broken.seen.errors[0]!.code).toBe('config-invalid');
    expect((await file()).access.deny).toBe('birch');
  });
});

describe('peer name', () => {
  it('gives a nickname, changes it, and takes it away', async () => {
    expect(await runLine(host(), 'peer', 'name', 'birch', 'attic-box')).toBe(0);
    expect((await file()).network.nicknames).toEqual([`${BIRCH}=attic-box`]);
    const changed = host();
    expect(await runLine(changed, 'peer', 'name', BIRCH.slice(0, 14), 'Cellar_2')).toBe(0);
    expect(changed.seen.records).toEqual([
      { peerId: BIRCH, ownName: 'birch', nickname: 'Cellar_2', before: 'attic-box' },
    ]);
    expect((await file()).network.nicknames).toEqual([`${BIRCH}=Cellar_2`]);
    expect(await runLine(host(), 'peer', 'name', 'birch')).toBe(0);
    expect((await file()).network.nicknames).toEqual([]);
  });

  it.each(['cedar', 'alder'])('refuses %s, which is the name of another', async (name) => {
    const refused = host();
    expect(await runLine(refused, 'peer', 'name', 'birch', name)).toBe(6);
    expect((await file()).network).toBeUndefined();
  });

  it('refuses the nickname of another, also of one that is not known now', async () => {
    await writeFile(path, JSON.stringify({ version: 2, network: { nicknames: [`${STRANGER}=far`] } }));
    expect(await runLine(host(), 'peer', 'name', 'birch', 'far')).toBe(6);
    expect(await runLine(host(), 'peer', 'name', STRANGER, 'farther')).toBe(0);
    expect((await file()).network.nicknames).toEqual([`${STRANGER}=farther`]);
  });

  it.each(['zone:eu-1', 'two words', 'a=b', '', 'x'.repeat(64), '.x', STRANGER])(
    'refuses %j, which is no nickname',
    async (name) => {
      expect(await runLine(host(), 'peer', 'name', 'birch', name)).toBe(2);
      expect((await file()).network).toBeUndefined();
    },
  );
});

it('health says that a silent holder is one that this node has banned itself', async () => {
  const engine = createFakeEngine({ objects: [{ name: 'a', content: 'a' }] });
  const peers = engine.peers;
  const { silentPeers } = await engine.health();
  engine.peers = async () =>
    (await peers()).map((peer) => ({ ...peer, banned: silentPeers.includes(peer.peerId) }));
  const told = testHost({ engine });
  expect(await runLine(told, 'health')).toBe(0);
  expect(told.seen.notes).toContainEqual(expect.stringMatching(/larch is banned here: .*peer unban larch/));
});

it('completion offers a peer by its name or nickname, and by its id', async () => {
  const engine = createFakeEngine();
  const peers = engine.peers;
  engine.peers = async () =>
    (await peers()).map((peer) =>
      peer.peerId === BIRCH ? { ...peer, name: 'attic', nickname: 'attic' } : peer,
    );
  const signal = new AbortController().signal;
  const sources = completionSources({ cwd: folder, env: {}, signal }, async () => engine);
  const found = await sources.peers!('', signal);
  expect(found).toContainEqual({ value: 'attic', summary: BIRCH });
  expect(found).toContainEqual({ value: BIRCH, summary: 'attic' });
  expect(found.some(({ value }) => value === 'birch')).toBe(false);
});
