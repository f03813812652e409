/** What `recover` finds on the machine before it asks the mesh. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Command, Context } from '../../../src/commands/command.ts';
import { prepareNode } from '../../../src/commands/start/recover-setup.ts';
import { loadConfig } from '../../../src/config/resolve.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { openLockedKeyring } from '../../../src/engine/keys/locked-keyring.ts';
import { newPhrase } from '../../../src/engine/keys/phrase.ts';
import { dataPaths } from '../../../src/engine/options.ts';
import { runCommand } from '../fake-context.ts';

const [MINE, OTHER] = [newPhrase(realRandom()), newPhrase(realRandom())];

let home: string;
let configPath: string;
let dataDir: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'datamesh-recover-'));
  configPath = join(home, 'etc', 'config.json');
  dataDir = join(home, 'data');
});
afterEach(() => rmSync(home, { recursive: true }));

function prepare(words: string, secrets?: string[], more: { folder?: string; network?: string } = {}) {
  const setup = {
    keyName: 'main',
    bootstrap: [],
    network: undefined,
    networkName: undefined,
    folder: undefined,
    ...more,
  };
  const command = {
    run: (context: Context) => prepareNode(context, words, setup),
  } as Partial<Command> as Command;
  const env = { HOME: home, DATAMESH_CONFIG: configPath, DATAMESH_INIT_DATA_DIR: dataDir };
  return runCommand(command, {}, { env, cwd: home, ...(secrets && { secrets }) });
}
function keyring(passphrase?: string) {
  const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
  return openLockedKeyring(effects, dataPaths(dataDir).keyring, passphrase);
}
const loseConfig = () => rmSync(join(home, 'etc'), { recursive: true });
const names = async () => (await keyring()).list().map(({ name, isDefault }) => [name, isDefault]);
const configured = async () =>
  (await loadConfig({ env: { DATAMESH_CONFIG: configPath }, cwd: home })).config.node.dataDir;

it('goes on where the configuration was lost, or the first try was broken off before it was written', async () => {
  await prepare(MINE);
  loseConfig();
  const { notes } = await prepare(MINE);
  expect(await names()).toEqual([['main', true]]);
  expect(await configured()).toBe(dataDir);
  expect(notes).toEqual([]);
});

it('adds the key to others that lie there, and says which key is used now and how to go back', async () => {
  await prepare(OTHER);
  loseConfig();
  const { notes } = await prepare(MINE);
  const [, [name] = ['']] = await names();
  expect(await names()).toEqual([
    ['main', false],
    [name, true],
  ]);
  expect(await (await keyring()).exportPhrase(String(name))).toBe(MINE);
  expect(notes).toEqual([expect.stringMatching(/sealed to "recovered-.*datamesh keys default main/)]);
});

it('locks the key like those that lie there', async () => {
  await prepare(OTHER);
  const passphrase = 'seven grey herons over the mill';
  await (await keyring()).rewrap(passphrase);
  loseConfig();
  await prepare(MINE, [passphrase]);
  expect((await keyring()).list().map((key) => key.protected)).toEqual([true, true]);
});

it('says what it was asked for and the configuration that is there decides otherwise', async () => {
  await prepare(MINE);
  const { network } = (await loadConfig({ env: { DATAMESH_CONFIG: configPath }, cwd: home })).config;
  expect((await prepare(MINE, undefined, { folder: dataDir, network: network.preset })).warnings).toEqual([]);
  expect((await prepare(MINE, undefined, { folder: '/elsewhere', network: 'custom' })).warnings).toEqual([
    expect.stringContaining(`says node.dataDir ${dataDir}`),
    expect.stringContaining(`says network.preset ${network.preset}`),
  ]);
});
