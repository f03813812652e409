import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configCommands } from '../../../src/commands/care/config.ts';
import type { Values } from '../../../src/commands/command.ts';
import { CONFIG_KEYS, defaultConfig } from '../../../src/config/fields.ts';
import { writeConfigFile } from '../../../src/config/store.ts';
import { runCommand, type Setting } from '../fake-context.ts';

let dir = '';
let path = '';
let base: Setting;
const written = defaultConfig({ name: 'alpha', dataDir: '/data' });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dm-cfg-'));
  path = join(dir, 'config.json');
  await writeConfigFile(path, written);
  base = { env: { DATAMESH_CONFIG: path, HOME: dir }, cwd: dir };
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function config(verb: string, values: Values = {}, setting: Partial<Setting> = {}) {
  const command = configCommands.find(({ path: words }) => words[1] === verb)!;
  return runCommand(command, values, { ...base, ...setting, env: { ...base.env, ...setting.env } });
}
const file = async () => JSON.parse(await readFile(path, 'utf8')) as unknown;

describe('generating', () => {
  it('makes no configuration with a name that config set refuses', async () => {
    const made = JSON.parse((await config('generate', { name: 'attic' })).stdout) as {
      node: { name: string };
    };
    expect(made.node.name).toBe('attic');
    for (const name of ['B AD!', '']) {
      const refused = { code: 'bad-value', message: expect.stringContaining('--name') };
      await expect(config('generate', { name })).rejects.toMatchObject(refused);
      await expect(config('set', { key: 'node.name', value: [name] })).rejects.toMatchObject({
        code: 'bad-value',
      });
    }
  });
});

describe('reading', () => {
  it('prints a value alone, or a record with its origin', async () => {
    expect((await config('get', { key: 'storage.quotaBytes' })).stdout).toBe('100 GiB\n');
    const json = await config(
      'get',
      { key: 'node.name' },
      { options: { json: true }, env: { DATAMESH_NODE_NAME: 'beta' } },
    );
    expect(json.records).toEqual([
      expect.objectContaining({
        key: 'node.name',
        value: 'beta',
        origin: 'env',
        source: 'DATAMESH_NODE_NAME',
      }),
    ]);
  });

  it('lists every field with its origin', async () => {
    const { records } = await config('list');
    expect(records.map(({ key }) => key)).toEqual(CONFIG_KEYS);
    expect(new Set(records.map(({ origin }) => origin))).toEqual(new Set(['file']));
  });

  it('prints the path, also of a file that is not there', async () => {
    expect((await config('path')).stdout).toBe(`${path}\n`);
    expect((await config('path', {}, { env: { DATAMESH_CONFIG: '/none/c.json' } })).stdout).toBe(
      '/none/c.json\n',
    );
  });

  it('names a misspelt key', async () => {
    await expect(config('get', { key: 'network.prot' })).rejects.toMatchObject({
      code: 'unknown-option',
      exit: 2,
      mend: 'did you mean network.port?',
    });
  });

  it('validates, environment included', async () => {
    expect((await config('validate')).records).toEqual([{ path, valid: true }]);
    await expect(config('validate', {}, { env: { DATAMESH_NETWORK_PORT: 'x' } })).rejects.toMatchObject({
      code: 'bad-value',
    });
    await writeFile(path, '{"version": 1, "node": {"nmae": "x"}}');
    await expect(config('validate')).rejects.toMatchObject({
      code: 'config-invalid',
      exit: 4,
      message: expect.stringContaining('did you mean node.name?'),
    });
  });
});

describe('changing', () => {
  it('sets values with units and lists of words, and keeps a .bak', async () => {
    const ran = await config('set', { key: 'storage.quotaBytes', value: ['50GiB'] });
    expect(ran.records[0]).toMatchObject({ value: 50 * 2 ** 30, text: '50 GiB' });
    expect(ran.notes.join()).toContain('started again');
    expect(await file()).toEqual({ ...written, storage: { ...written.storage, quotaBytes: 50 * 2 ** 30 } });
    expect(JSON.parse(await readFile(`${path}.bak`, 'utf8'))).toEqual(written);
    await config('set', { key: 'network.bootstrap', value: ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1'] });
    expect(await file()).toMatchObject({
      network: { bootstrap: ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1'] },
    });
  });

  it.each([
    ['node.role', 'bootstap'],
    ['network.port', '99999'],
    ['storage.quotaBytes', 'much'],
    ['redundancy.k', '300'],
    ['node.name', 'No Good'],
  ])('refuses %s = %s, untouched', async (key, value) => {
    await expect(config('set', { key, value: [value] })).rejects.toMatchObject({ exit: 2 });
    expect(await file()).toEqual(written);
  });

  it('refuses what contradicts another field', async () => {
    await config('set', { key: 'redundancy.m', value: ['200'] });
    await expect(config('set', { key: 'redundancy.k', value: ['100'] })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(/^this value of redundancy\.k does not go with .*k \+ m is 300/),
    });
    expect(await file()).toMatchObject({ redundancy: { k: 4, m: 200 } });
  });

  it('mends a wrong file field by field, and says what is still wrong', async () => {
    await writeFile(path, '{"version": 1, "network": {"port": -1, "prot": 5}}');
    const first = await config('set', { key: 'network.port', value: ['7'] });
    expect(first.warnings.join()).toContain('network.prot');
    expect((await config('unset', { key: 'network.prot' })).records).toEqual([
      { key: 'network.prot', removed: true },
    ]);
    expect((await config('validate')).records).toHaveLength(1);
  });

  it('warns when a variable beats the file', async () => {
    const ran = await config(
      'set',
      { key: 'node.name', value: ['beta'] },
      { env: { DATAMESH_NODE_NAME: 'gamma' } },
    );
    expect(ran.warnings).toEqual(['DATAMESH_NODE_NAME is set and beats the file']);
  });

  it('unsets a field, never the version, a group or a key that is nowhere', async () => {
    expect((await config('unset', { key: 'network.zone' })).records).toEqual([
      { key: 'network.zone', removed: true },
    ]);
    expect((await config('unset', { key: 'network.zone' })).records).toEqual([
      { key: 'network.zone', removed: false },
    ]);
    for (const key of ['version', 'network', 'nothing.here']) {
      await expect(config('unset', { key })).rejects.toMatchObject({ code: 'unknown-option' });
    }
  });

  it('unsets by the name that validate tells, wherever it stands', async () => {
    const { console: _, ...rest } = written;
    await writeFile(path, JSON.stringify({ ...rest, console: 'x', 'a.b': 1, other: { c: 1 } }));
    await expect(config('validate')).rejects.toMatchObject({
      details: { problems: ['console', 'a.b', 'other.c'].map((key) => ({ key })) },
    });
    for (const key of ['console', 'a.b', 'other.c'])
      expect((await config('unset', { key })).records).toEqual([{ key, removed: true }]);
    expect((await config('validate')).records).toHaveLength(1);
    for (const key of ['__proto__', '__proto__.toString', 'constructor'])
      await expect(config('unset', { key })).rejects.toMatchObject({ code: 'unknown-option' });
  });

  it('leaves a file of a newer version as it is', async () => {
    const text = JSON.stringify({ ...written, version: written.version + 1 });
    await writeFile(path, text);
    for (const [verb, values] of [
      ['set', { key: 'network.zone', value: ['z'] }],
      ['unset', { key: 'network.zone' }],
    ] as const)
      await expect(config(verb, values)).rejects.toMatchObject({ code: 'format-too-new', exit: 4 });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('changes nothing with --dry-run', async () => {
    const dry = { options: { dryRun: true } };
    const set = await config('set', { key: 'node.name', value: ['beta'] }, dry);
    expect(set.records).toMatchObject([{ dryRun: true, key: 'node.name', value: 'beta' }]);
    expect(set.notes).toEqual(['nothing was changed (--dry-run)']);
    const unset = await config('unset', { key: 'node.name' }, dry);
    expect(unset.records).toEqual([{ dryRun: true, key: 'node.name', removed: false }]);
    expect(unset.notes).toEqual(['node.name would be removed: nothing was changed (--dry-run)']);
    expect(await file()).toEqual(written);
    await config('unset', { key: 'network.rack' });
    const absent = await config('unset', { key: 'network.rack' }, dry);
    expect(absent.notes).toEqual(['nothing was changed (--dry-run)']);
  });

  it('needs a configuration, and a terminal for the editor', async () => {
    const env = { DATAMESH_CONFIG: join(dir, 'none.json') };
    await expect(config('set', { key: 'node.name', value: ['b'] }, { env })).rejects.toMatchObject({
      code: 'not-configured',
      exit: 4,
    });
    await expect(config('edit')).rejects.toMatchObject({ code: 'not-a-terminal' });
  });
});
