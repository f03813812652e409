import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONFIG_VERSION, defaultConfig } from '../../src/config/fields.ts';
import {
  configFileExists,
  readConfigFile,
  setInFile,
  unsetInFile,
  writeConfigFile,
} from '../../src/config/store.ts';

let dir = '';
let path = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dm-store-'));
  path = join(dir, 'nested', 'my.config.json');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const modeOf = async (file: string) => (await stat(file)).mode & 0o777;
const config = defaultConfig({ name: 'alpha', dataDir: '/data' });

describe('writing', () => {
  it('makes the folder 0700 and the file 0600, byte for byte the same each time', async () => {
    await writeConfigFile(path, config);
    const first = await readFile(path, 'utf8');
    expect(first).toBe(`${JSON.stringify(config, null, 2)}\n`);
    expect(await modeOf(path)).toBe(0o600);
    expect(await modeOf(join(dir, 'nested'))).toBe(0o700);
    await writeConfigFile(path, config);
    expect(await readFile(path, 'utf8')).toBe(first);
  });

  it('keeps what was there as .bak, 0600 too', async () => {
    await writeConfigFile(path, config);
    const before = await readFile(path, 'utf8');
    await chmod(path, 0o644);
    await writeConfigFile(path, { ...config, node: { ...config.node, name: 'beta' } });
    expect(await readFile(`${path}.bak`, 'utf8')).toBe(before);
    expect(await modeOf(`${path}.bak`)).toBe(0o600);
    expect(await modeOf(path)).toBe(0o600);
  });

  it('offers the copy from before only where there is one', async () => {
    await writeConfigFile(path, config);
    for (const text of ['{', '[]']) {
      await rm(`${path}.bak`, { force: true });
      await writeFile(path, text);
      const none = { code: 'config-unreadable', mend: expect.not.stringContaining('.bak') };
      await expect(readConfigFile(path)).rejects.toMatchObject(none);
      await writeFile(`${path}.bak`, '{}');
      const one = { code: 'config-unreadable', mend: expect.stringContaining(`${path}.bak`) };
      await expect(readConfigFile(path)).rejects.toMatchObject(one);
    }
  });

  it('writes no .bak for a first file', async () => {
    await writeConfigFile(path, config);
    expect(await configFileExists(`${path}.bak`)).toBe(false);
  });

  it('drops fields that the new configuration does not have', async () => {
    await writeConfigFile(path, { ...config, stale: { key: 1 } });
    await writeConfigFile(path, config);
    expect(await readConfigFile(path)).toEqual(config);
  });
});

describe('single fields', () => {
  it('sets one and leaves the others', async () => {
    await writeConfigFile(path, config);
    await setInFile(path, 'network.port', 40871);
    expect(await readConfigFile(path)).toEqual({ ...config, network: { ...config.network, port: 40871 } });
  });

  it('begins a file that is not there', async () => {
    await setInFile(path, 'network.port', 7);
    expect(await readConfigFile(path)).toEqual({ version: CONFIG_VERSION, network: { port: 7 } });
  });

  it('unsets one, with a .bak, and says whether it was set', async () => {
    await writeConfigFile(path, config);
    expect(await unsetInFile(path, 'network.zone')).toBe(true);
    expect(await readConfigFile(path)).not.toHaveProperty('network.zone');
    expect(await readConfigFile(`${path}.bak`)).toHaveProperty('network.zone');
    expect(await unsetInFile(path, 'network.zone')).toBe(false);
    expect(await unsetInFile(join(dir, 'none.json'), 'network.zone')).toBe(false);
  });

  it.each(['{"version": 1', '', 'null', '[]', '"text"', '{"a": 1}}'])(
    'replaces the damaged file %j whole, and keeps it as .bak',
    async (text) => {
      const damaged = join(dir, 'r.json');
      await writeFile(damaged, text);
      await writeConfigFile(damaged, config);
      expect(await readConfigFile(damaged)).toEqual({ ...config });
      expect(await readFile(`${damaged}.bak`, 'utf8')).toBe(text);
    },
  );

  it('leaves a damaged file as it is', async () => {
    const damaged = join(dir, 'd.json');
    await writeFile(damaged, '{"version": 1');
    await expect(setInFile(damaged, 'network.port', 1)).rejects.toMatchObject({ code: 'config-unreadable' });
    await expect(unsetInFile(damaged, 'network.port')).rejects.toMatchObject({ code: 'config-unreadable' });
    expect(await readFile(damaged, 'utf8')).toBe('{"version": 1');
  });

  it('reads a file with a byte order mark', async () => {
    const marked = join(dir, 'b.json');
    await writeFile(marked, '\uFEFF{"version":1}');
    expect(await readConfigFile(marked)).toEqual({ version: 1 });
  });

  it('says what is wrong with a folder in the place of the file', async () => {
    await expect(readConfigFile(dir)).rejects.toMatchObject({
      code: 'config-unreadable',
      mend: 'name a file, not a folder',
    });
  });
});
