import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CONFIG_FIELDS,
  CONFIG_KEYS,
  CONFIG_VERSION,
  configFromFields,
  defaultConfig,
  envNameOf,
  valueAt,
} from '../../src/config/fields.ts';
import { configFilePath, defaultDataDir } from '../../src/config/paths.ts';
import { loadConfig, resolveConfig } from '../../src/config/resolve.ts';
import { toEngineOptions } from '../../src/config/to-engine-options.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dm-config-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('precedence (D.9-50)', () => {
  const layers = ['flag', 'env', 'file', 'default'] as const;
  const ports = { flag: 1, env: 2, file: 3, default: 0 };

  // Every subset of the upper three layers: the highest one present wins and is named.
  for (let present = 0; present < 8; present++) {
    const has = {
      flag: (present & 1) !== 0,
      env: (present & 2) !== 0,
      file: (present & 4) !== 0,
      default: true,
    };
    const winner = layers.find((layer) => has[layer])!;
    it(`flag=${has.flag} env=${has.env} file=${has.file} → ${winner}`, () => {
      const file = has.file ? { version: 1, network: { port: ports.file } } : { version: 1 };
      const env = has.env ? { DATAMESH_NETWORK_PORT: String(ports.env) } : {};
      const overrides = has.flag ? { 'network.port': String(ports.flag) } : {};
      const { config, origins } = resolveConfig(file, '/c.json', { env, overrides });
      expect(config.network.port).toBe(ports[winner]);
      expect(origins['network.port']).toEqual({
        layer: winner,
        source: { flag: 'network.port', env: 'DATAMESH_NETWORK_PORT', file: '/c.json', default: '' }[winner],
      });
    });
  }

  it('takes an empty variable for none', () => {
    const { config } = resolveConfig({ version: 1 }, '/c', { env: { DATAMESH_REDUNDANCY_K: '' } });
    expect(config.redundancy.k).toBe(4);
  });

  it('gives every key an origin and a value', () => {
    const { config, origins } = resolveConfig({ version: 1 }, '/c', { env: { HOME: '/home/x' } });
    expect(Object.keys(origins)).toEqual(CONFIG_KEYS);
    expect(config.node.dataDir).toBe('/home/x/.local/share/datamesh');
  });

  it('reads units, lists and booleans from the environment', () => {
    const env = {
      DATAMESH_STORAGE_QUOTA: '1.5GiB',
      DATAMESH_BANDWIDTH_UP: '2 MiB/s',
      DATAMESH_NETWORK_BOOTSTRAP: '/ip4/10.0.0.1/tcp/1, /dns4/a.example/tcp/2',
      DATAMESH_EXTRAS_HISTORY: 'off',
    };
    const { config } = resolveConfig({ version: 1 }, '/c', { env });
    expect(config.storage.quotaBytes).toBe(1.5 * 2 ** 30);
    expect(config.bandwidth.upBytesPerSecond).toBe(2 ** 21);
    expect(config.network.bootstrap).toEqual(['/ip4/10.0.0.1/tcp/1', '/dns4/a.example/tcp/2']);
    expect(config.console.history).toBe(false);
  });

  it('names the variable of a wrong value', () => {
    expect(() => resolveConfig({ version: 1 }, '/c', { env: { DATAMESH_NODE_ROLE: 'bootstap' } })).toThrow(
      expect.objectContaining({
        code: 'bad-value',
        message: expect.stringContaining('DATAMESH_NODE_ROLE'),
        mend: 'did you mean bootstrap?',
      }),
    );
  });

  it('refuses an unknown override with a suggestion', () => {
    expect(() =>
      resolveConfig({ version: 1 }, '/c', { env: {}, overrides: { 'storage.quotaByte': '1' } }),
    ).toThrow(expect.objectContaining({ code: 'unknown-option', mend: 'did you mean storage.quotaBytes?' }));
  });
});

describe('invalid files', () => {
  const problems = (file: Record<string, unknown>): unknown => {
    try {
      resolveConfig(file, '/c', { env: {} });
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it('lists all problems at once, unknown keys with a suggestion', () => {
    const error = problems({
      version: 1,
      netwrok: { port: 1 },
      network: { prot: 1, port: -1 },
      redundancy: { k: 'four' },
    });
    expect(error).toMatchObject({ code: 'config-invalid' });
    const message = (error as Error).message;
    expect(message).toContain('netwrok.port is not a known key (did you mean network.port?)');
    expect(message).toContain('network.prot is not a known key (did you mean network.port?)');
    expect(message).toContain('network.port must be a whole number');
    expect(message).toContain('redundancy.k must be a whole number, not "four"');
  });

  it('says that a later version is one, and nothing about its keys', () => {
    const later = { version: CONFIG_VERSION + 1, network: { unheard: 1 } };
    expect(problems(later)).toMatchObject({ code: 'format-too-new', exit: 4 });
  });

  it.each([
    ['no version', {}],
    ['a group that is a value', { version: 1, network: 7 }],
    ['too many shards', { version: 1, redundancy: { k: 200, m: 100 } }],
    ['a relative data folder', { version: 1, node: { dataDir: 'data' } }],
    ['an address that is none', { version: 1, network: { bootstrap: ['10.0.0.1:4001'] } }],
    [
      'an address twice',
      { version: 1, network: { bootstrap: ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/1'] } },
    ],
    ['a name with capitals', { version: 1, node: { name: 'Alpha' } }],
  ])('refuses %s', (_, file) => {
    expect(problems(file)).toMatchObject({ code: 'config-invalid' });
  });
});

describe('loadConfig', () => {
  it('says not-configured, and where it looked', async () => {
    const request = { env: { XDG_CONFIG_HOME: dir }, cwd: '/' };
    await expect(loadConfig(request)).rejects.toMatchObject({
      code: 'not-configured',
      exit: 4,
      details: { path: `${dir}/datamesh/config.json` },
    });
  });

  it('names line and column of damaged JSON', async () => {
    const path = join(dir, 'c.json');
    await writeFile(path, '{\n  "version": 1,\n  "node": { "name": oops }\n}\n');
    await expect(loadConfig({ flag: path, env: {}, cwd: '/' })).rejects.toMatchObject({
      code: 'config-unreadable',
      details: { path, line: 3, column: 21 },
      message: expect.stringContaining('expected a value, found "o"'),
    });
  });

  it('names the last line of a file that was cut', async () => {
    const path = join(dir, 'c.json');
    await writeFile(path, '{\n  "version": 1,\n');
    await expect(loadConfig({ flag: path, env: {}, cwd: '/' })).rejects.toMatchObject({
      details: { line: 3 },
    });
  });

  it.each([['[1]'], ['{}x'], ['"text"'], ['null']])('refuses %s as a configuration', async (text) => {
    const path = join(dir, 'c.json');
    await writeFile(path, text);
    await expect(loadConfig({ flag: path, env: {}, cwd: '/' })).rejects.toMatchObject({
      code: 'config-unreadable',
    });
  });
});

describe('paths', () => {
  it('prefers the flag, then the variable, then XDG, then the home folder', () => {
    const env = { DATAMESH_CONFIG: 'env.json', XDG_CONFIG_HOME: '/xdg', HOME: '/home/x' };
    expect(configFilePath({ flag: 'flag.json', env, cwd: '/cwd' })).toBe('/cwd/flag.json');
    expect(configFilePath({ env, cwd: '/cwd' })).toBe('/cwd/env.json');
    expect(configFilePath({ env: { ...env, DATAMESH_CONFIG: '' }, cwd: '/cwd' })).toBe(
      '/xdg/datamesh/config.json',
    );
    expect(configFilePath({ env: { HOME: '/home/x', XDG_CONFIG_HOME: 'relative' }, cwd: '/' })).toBe(
      '/home/x/.config/datamesh/config.json',
    );
    expect(defaultDataDir({ XDG_DATA_HOME: '/d' })).toBe('/d/datamesh');
  });
});

describe('the field table', () => {
  it('covers exactly what a configuration holds, in its order', () => {
    const config = defaultConfig({ name: 'a', dataDir: '/d' });
    expect(JSON.stringify(configFromFields((key) => valueAt(config, key) as never))).toBe(
      JSON.stringify(config),
    );
  });

  it('has distinct environment names', () => {
    const names = CONFIG_KEYS.map(envNameOf);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('DATAMESH_NODE_DATA_DIR');
  });

  it('has defaults that pass their own checks', () => {
    const config = defaultConfig({ name: 'a', dataDir: '/d' });
    for (const field of CONFIG_FIELDS)
      expect(field.check?.(valueAt(config, field.key) as never), field.key).toBeUndefined();
  });
});

describe('toEngineOptions', () => {
  it('turns 0 and empty into undefined, percent into a fraction', () => {
    const options = toEngineOptions(defaultConfig({ name: 'a', dataDir: '/d' }), { mode: 'embedded' });
    expect(options).toMatchObject({
      name: 'a',
      dataDir: '/d',
      code: { k: 4, m: 2 },
      storage: { reserveFraction: 0.1 },
    });
    expect(options.network.zone).toBeUndefined();
    expect(options.bandwidth).toEqual({
      upBytesPerSecond: undefined,
      downBytesPerSecond: undefined,
      schedule: [],
    });
    expect(options.observe).toMatchObject({ metricsPort: 0, tracesUrl: undefined });
  });
});
