import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Values } from '../../../src/commands/command.ts';
import { keysCommands } from '../../../src/commands/keys/all.ts';
import { defaultConfig } from '../../../src/config/fields.ts';
import { writeConfigFile } from '../../../src/config/store.ts';
import { deriveOwner } from '../../../src/engine/keys/owner.ts';
import { phraseOfEntropy } from '../../../src/engine/keys/phrase.ts';
import { runCommand, type Setting } from '../fake-context.ts';

const PHRASE = phraseOfEntropy(new Uint8Array(32).fill(5));
const STRONG = 'correct horse battery staple';
const OTHER = 'another long passphrase of mine';
const JSON_MODE: Partial<Setting> = { options: { json: true } };
let dir = '';
let base: Setting;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dm-keys-'));
  const path = join(dir, 'config.json');
  await writeConfigFile(path, defaultConfig({ name: 'a', dataDir: dir }));
  base = { env: { DATAMESH_CONFIG: path, HOME: dir }, cwd: dir };
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function keys(verb: string, values: Values = {}, setting: Partial<Setting> = {}) {
  const command = keysCommands.find(({ path }) => path[1] === verb)!;
  return runCommand(command, values, { ...base, ...setting });
}

describe('keys', () => {
  it('are made, listed, exported, chosen and forgotten', async () => {
    expect((await keys('list')).notes.join()).toContain('datamesh keys new main');
    const made = await keys('new', { name: 'main' }, JSON_MODE);
    const { phrase, ownerId } = made.records[0]!;
    expect(deriveOwner(String(phrase), 'x').ownerId).toBe(ownerId);
    await keys('new', { name: 'work' });
    expect((await keys('list')).records).toEqual([
      expect.objectContaining({ name: 'main', ownerId, default: true, protected: false }),
      expect.objectContaining({ name: 'work', default: false }),
    ]);
    expect((await keys('export', {}, JSON_MODE)).records).toEqual([{ name: 'main', phrase }]);
    expect((await keys('export')).stdout).toBe(`${phrase}\n`);
    expect((await keys('default', { name: 'work' })).records[0]).toMatchObject({
      name: 'work',
      default: true,
    });
    expect((await keys('destroy', { name: 'main' }, { confirm: true })).records[0]).toMatchObject({
      name: 'main',
    });
    expect((await keys('list')).records).toHaveLength(1);
  });

  it('show all 24 words to a person, numbered, in no column that could be cut', async () => {
    const { stdout, records } = await keys('new', { name: 'main' });
    const words = [...stdout.matchAll(/(\d+)\. ([a-z]+)/g)]
      .sort((a, b) => Number(a[1]) - Number(b[1]))
      .map((match) => match[2]);
    expect(`${words.join(' ')}\n`).toBe((await keys('export')).stdout);
    expect(records[0]).not.toHaveProperty('phrase');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(60);
  });

  it('are locked anew with another passphrase, or none, and stay the same keys', async () => {
    const files = { old: join(dir, 'old'), new: join(dir, 'new'), weak: join(dir, 'weak') };
    await writeFile(files.old, STRONG);
    await writeFile(files.new, OTHER);
    await writeFile(files.weak, 'abc');
    const made = await keys('new', { name: 'main' }, JSON_MODE);
    await keys('new', { name: 'work' });
    const { phrase } = made.records[0]!;
    const locked = (await keys('rotate', { 'new-passphrase-file': files.old })).records;
    expect(locked.map(({ name, protected: it }) => [name, it])).toEqual([
      ['main', true],
      ['work', true],
    ]);
    const first = await readFile(join(dir, 'keyring.json'), 'utf8');
    const withOld = { secrets: [STRONG] };
    await expect(keys('rotate', { 'new-passphrase-file': files.weak }, withOld)).rejects.toMatchObject({
      code: 'bad-value',
    });
    await expect(keys('rotate', { 'new-passphrase-file': files.old }, withOld)).rejects.toMatchObject({
      code: 'bad-value',
    });
    await expect(
      keys('rotate', { 'new-passphrase-file': files.new }, { secrets: [OTHER] }),
    ).rejects.toMatchObject({ code: 'wrong-passphrase' });
    await keys('rotate', { 'new-passphrase-file': files.new }, { ...withOld, options: { dryRun: true } });
    expect(await readFile(join(dir, 'keyring.json'), 'utf8')).toBe(first);
    await keys('rotate', { 'new-passphrase-file': files.new }, withOld);
    await expect(keys('export', {}, { ...withOld, ...JSON_MODE })).rejects.toMatchObject({
      code: 'wrong-passphrase',
    });
    const exported = await keys('export', {}, { secrets: [OTHER], ...JSON_MODE });
    expect(exported.records).toEqual([{ name: 'main', phrase }]);
    await keys('rotate', { unprotect: true }, { secrets: [OTHER] });
    expect((await keys('export', {}, JSON_MODE)).records).toEqual([{ name: 'main', phrase }]);
  });

  it('change nothing with --dry-run', async () => {
    const options = { dryRun: true };
    await keys('new', { name: 'main' }, { options });
    expect((await keys('list')).records).toEqual([]);
    await keys('new', { name: 'main' });
    await keys('new', { name: 'work' });
    expect(await keys('default', { name: 'work' }, { options })).toMatchObject({
      records: [{ dryRun: true, name: 'work', default: false }],
      notes: ['nothing was changed (--dry-run)'],
    });
    expect(await keys('export', { name: 'work', output: 'words' }, { options })).toMatchObject({
      records: [{ dryRun: true, name: 'work' }],
      notes: ['nothing was written (--dry-run)'],
    });
    await keys('destroy', { name: 'main' }, { options });
    await keys('import', { name: 'x', file: '-' }, { options, stdin: PHRASE });
    expect((await keys('list')).records.map(({ name, default: isDefault }) => [name, isDefault])).toEqual([
      ['main', true],
      ['work', false],
    ]);
  });

  it('are forgotten only on a yes', async () => {
    await keys('new', { name: 'main' });
    await expect(keys('destroy', { name: 'main' }, { confirm: false })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect((await keys('list')).records).toHaveLength(1);
    await expect(keys('destroy', { name: 'mian' })).rejects.toMatchObject({ code: 'not-found', exit: 8 });
  });

  it('come from 24 words in a file or on standard input', async () => {
    await writeFile(join(dir, 'words'), `${PHRASE}\n`);
    const { ownerId } = deriveOwner(PHRASE, 'x');
    expect((await keys('import', { name: 'main', file: 'words', default: true })).records[0]).toMatchObject({
      name: 'main',
      ownerId,
    });
    await expect(keys('import', { name: 'again', file: '-' }, { stdin: PHRASE })).rejects.toMatchObject({
      code: 'already-exists',
    });
    await expect(keys('import', { name: 'bad', file: '-' }, { stdin: 'one two' })).rejects.toMatchObject({
      code: 'bad-phrase',
      exit: 2,
    });
    await expect(keys('import', { name: 'Bad Name', file: '-' }, { stdin: PHRASE })).rejects.toMatchObject({
      code: 'bad-name',
    });
    await expect(keys('import', { name: 'bad', file: 'none' })).rejects.toMatchObject({
      code: 'file-not-found',
    });
  });

  it('travel in a locked file, which is never overwritten', async () => {
    const { ownerId } = (await keys('new', { name: 'main' })).records[0]!;
    await writeFile(join(dir, 'pass'), `${OTHER}\n`);
    const values = { name: 'main', encrypted: true, 'export-passphrase-file': 'pass', output: 'main.key' };
    expect((await keys('export', values)).records).toEqual([{ name: 'main', file: join(dir, 'main.key') }]);
    expect((await stat(join(dir, 'main.key'))).mode & 0o777).toBe(0o600);
    await expect(keys('export', values)).rejects.toMatchObject({ code: 'already-exists' });
    await keys('destroy', { name: 'main' }, { confirm: true });
    await expect(
      keys('import', { name: 'back', file: 'main.key' }, { secrets: ['wrong'] }),
    ).rejects.toMatchObject({ code: 'wrong-passphrase', exit: 9 });
    expect(
      (await keys('import', { name: 'back', file: 'main.key' }, { secrets: [OTHER] })).records[0],
    ).toMatchObject({ name: 'back', ownerId });
  });
});

describe('with a passphrase', () => {
  it('are locked, and opened only with it', async () => {
    const made = await keys(
      'new',
      { name: 'main', protect: true },
      { ...JSON_MODE, secrets: [STRONG, STRONG] },
    );
    expect(made.records[0]).toMatchObject({ protected: true });
    expect(await readFile(join(dir, 'keyring.json'), 'utf8')).not.toContain('entropy');
    await expect(keys('export')).rejects.toMatchObject({ code: 'wrong-passphrase' });
    await expect(keys('export', {}, { secrets: ['wrong'] })).rejects.toMatchObject({
      code: 'wrong-passphrase',
    });
    expect((await keys('export', {}, { secrets: [STRONG] })).stdout).toBe(`${made.records[0]!.phrase}\n`);
  });

  it('take later keys under the same passphrase, never under a mistyped one', async () => {
    await keys('new', { name: 'main', protect: true }, { secrets: [STRONG, STRONG] });
    await expect(keys('new', { name: 'work' }, { secrets: [OTHER] })).rejects.toMatchObject({
      code: 'wrong-passphrase',
    });
    expect((await keys('new', { name: 'work' }, { secrets: [STRONG] })).records[0]).toMatchObject({
      protected: true,
    });
    expect((await keys('export', { name: 'work' }, { secrets: [STRONG] })).stdout.split(' ')).toHaveLength(
      24,
    );
  });

  it('refuse weak passphrases, ones that differ, and none', async () => {
    const protect = { name: 'main', protect: true };
    await expect(keys('new', protect, { secrets: ['hunter2', 'hunter2'] })).rejects.toMatchObject({
      code: 'bad-value',
    });
    await expect(keys('new', protect, { secrets: [STRONG, OTHER] })).rejects.toMatchObject({
      code: 'bad-value',
    });
    await expect(keys('new', protect)).rejects.toMatchObject({ code: 'missing-argument' });
    expect((await keys('list')).records).toEqual([]);
  });
});

it('every command of the group has three examples and keeps secrets out of history', () => {
  for (const command of keysCommands) expect(command.examples).toHaveLength(3);
  expect(keysCommands.filter(({ sensitive }) => sensitive === true).map(({ path }) => path[1])).toEqual([
    'new',
    'export',
    'import',
  ]);
});
