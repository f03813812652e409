import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { changing } from '../../src/config/changing.ts';
import { setAllInFile } from '../../src/config/store.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { realDisk } from '../../src/engine/effects/real-disk.ts';
import { openLockedKeyring } from '../../src/engine/keys/locked-keyring.ts';
import { contextOf } from '../../src/wizard/context.ts';
import { existingConfig } from '../../src/wizard/gather-facts.ts';
import { saveAnswers, writeSetup } from '../../src/wizard/write.ts';
import { testFacts } from './fixtures.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dm-write-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const config = () => join(folder, 'config.json');
const context = (answers: Record<string, string> = {}, passphrase = '') =>
  contextOf(
    testFacts({ configPath: config() }),
    { 'data-dir': join(folder, 'data'), ...answers },
    { passphrase, 'passphrase-again': passphrase },
  );
const keyring = () => {
  const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
  return openLockedKeyring(effects, join(folder, 'data/keyring.json'));
};

it('can be tried again when the configuration could not be written, with another passphrase too', async () => {
  await mkdir(config());
  await expect(writeSetup(context(), realRandom())).rejects.toMatchObject({ code: 'config-unreadable' });
  await rm(config(), { recursive: true });
  const { keyName } = await writeSetup(context({}, 'correct horse battery staple'), realRandom());
  expect((await keyring()).list()).toMatchObject([{ name: keyName, isDefault: true, protected: true }]);
});

it('leaves the keys that were there, and which of them is the default', async () => {
  await mkdir(join(folder, 'data'), { mode: 0o700 });
  await (await keyring()).create('first');
  await mkdir(config());
  await expect(writeSetup(context({ identity: 'new' }), realRandom())).rejects.toThrow();
  expect((await keyring()).list()).toMatchObject([{ name: 'first', isDefault: true }]);
});

it('waits for whoever changes the configuration, and keeps what they set meanwhile', async () => {
  await writeSetup(context(), realRandom());
  const existing = (await existingConfig(config())).existing!;
  const again = contextOf(
    testFacts({ configPath: config(), existing }),
    { 'data-dir': join(folder, 'data'), identity: 'keep', zone: 'here' },
    {},
  );
  let written: Promise<unknown> = Promise.resolve();
  await changing(config(), async () => {
    written = writeSetup(again, realRandom());
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await existingConfig(config())).existing).toEqual(existing);
    await setAllInFile(config(), { 'network.rack': 'r', 'metrics.port': 9 });
  });
  await written;
  const { network, metrics } = (await existingConfig(config())).existing!;
  expect({ network, metrics }).toMatchObject({ network: { zone: 'here', rack: 'r' }, metrics: { port: 9 } });
});

it('does not replace a configuration that was not there when it began', async () => {
  await setAllInFile(config(), { 'network.rack': 'r' });
  await expect(writeSetup(context(), realRandom())).rejects.toMatchObject({ code: 'config-exists' });
  expect(JSON.parse(await readFile(config(), 'utf8'))).toMatchObject({ network: { rack: 'r' } });
  expect((await keyring()).list()).toEqual([]);
});

it('keeps answers that were saved before', async () => {
  const first = await saveAnswers(context({ name: 'one' }));
  const second = await saveAnswers(context({ name: 'two' }));
  expect([first, second]).toEqual([join(folder, 'answers.json'), join(folder, 'answers-2.json')]);
  for (const [path, name] of [
    [first, 'one'],
    [second, 'two'],
  ] as const) {
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ name });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  }
});
