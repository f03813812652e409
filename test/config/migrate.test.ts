/** Files of older versions: read for ever, rewritten with the next change, kept beside it. */
import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONFIG_FIELDS, CONFIG_VERSION, defaultConfig, valueAt } from '../../src/config/fields.ts';
import { migrated } from '../../src/config/migrate.ts';
import { loadConfig } from '../../src/config/resolve.ts';
import { readConfigFile, setInFile, unsetInFile, writeConfigFile } from '../../src/config/store.ts';

const GOLDEN = 'test/golden/config/v1.json';
let dir = '';
let path = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dm-migrate-'));
  path = join(dir, 'config.json');
  await cp(GOLDEN, path);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const load = () => loadConfig({ flag: path, env: {}, cwd: dir });

describe('a configuration of version 1', () => {
  it('means what it meant, and is not touched by being read', async () => {
    const golden = JSON.parse(await readFile(GOLDEN, 'utf8'));
    const { config, origins } = await load();
    for (const { key, formerly } of CONFIG_FIELDS) {
      const then = valueAt(golden, formerly ?? key);
      const wanted = then ?? valueAt(defaultConfig({ name: 'x', dataDir: '/x' }), key);
      expect(valueAt(config, key), key).toEqual(wanted);
      expect(origins[key]!.layer, key).toBe(then === undefined ? 'default' : 'file');
    }
    expect(config.console.history).toBe(false);
    expect(await readFile(path, 'utf8')).toBe(await readFile(GOLDEN, 'utf8'));
  });

  it.each([
    ['a field is set', () => setInFile(path, 'network.port', 7)],
    ['a field is unset', () => unsetInFile(path, 'network.zone')],
    ['all of it is replaced', () => writeConfigFile(path, defaultConfig({ name: 'x', dataDir: '/x' }))],
  ])('is kept when %s', async (_, change) => {
    const before = await load();
    await change();
    expect(await readFile(`${path}.v1`, 'utf8')).toBe(await readFile(GOLDEN, 'utf8'));
    expect((await stat(`${path}.v1`)).mode & 0o777).toBe(0o600);
    expect(await readConfigFile(path)).toMatchObject({ version: CONFIG_VERSION });
    expect(await readConfigFile(path)).not.toHaveProperty('extras');
    // The next change leaves the copy of then alone.
    await setInFile(path, 'network.rack', 'r9');
    expect(await readFile(`${path}.v1`, 'utf8')).toBe(await readFile(GOLDEN, 'utf8'));
    const after = await load();
    expect(after.config.network.rack).toBe('r9');
    if (after.config.node.name === before.config.node.name) expect(after.config.console.history).toBe(false);
  });

  it('is not made right where it was wrong', async () => {
    expect(migrated({ version: 1, extras: 7 })).toEqual({ version: CONFIG_VERSION, extras: 7 });
    expect(migrated({ version: 1, extras: { history: true, odd: 1 } })).toEqual({
      version: CONFIG_VERSION,
      extras: { odd: 1 },
      console: { history: true },
    });
    for (const other of [{}, { version: '1' }, { version: CONFIG_VERSION + 1 }, { version: 0 }])
      expect(migrated(other)).toBe(other);
  });

  it('has variables that still work', async () => {
    const { config, origins } = await loadConfig({
      flag: path,
      env: { DATAMESH_EXTRAS_HISTORY: 'on' },
      cwd: dir,
    });
    expect([config.console.history, origins['console.history']]).toEqual([
      true,
      { layer: 'env', source: 'DATAMESH_EXTRAS_HISTORY' },
    ]);
  });
});
