import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { lockSoon } from '../../../src/engine/effects/lock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { type Keyring, openKeyring } from '../../../src/engine/keys/keyring.ts';
import { deriveOwner } from '../../../src/engine/keys/owner.ts';
import { newPhrase } from '../../../src/engine/keys/phrase.ts';
import { MIN_BITS, passphraseStrength } from '../../../src/engine/keys/strength.ts';
import { tempDir } from '../shardstore/support.ts';
import { type MemoryDisk, memoryDisk } from './memory-disk.ts';

const PATH = '/data/keyring.json';
const random = realRandom();

function open(disk: MemoryDisk, passphrase?: string): Promise<Keyring> {
  return openKeyring({ disk, random, clock: { ...realClock(), now: () => 42 } }, PATH, passphrase);
}

const fileText = (disk: MemoryDisk) => Buffer.from(disk.files.get(PATH)!.data).toString();

describe.each([
  ['plain', undefined],
  ['locked', 'correct horse battery staple'],
])('a %s keyring', (_, passphrase) => {
  it('keeps keys over a restart', async () => {
    const disk = memoryDisk();
    const ring = await open(disk, passphrase);
    expect(ring.list()).toEqual([]);
    const { info, phrase } = await ring.create('main');
    expect(info).toEqual({
      name: 'main',
      ownerId: deriveOwner(phrase, 'main').ownerId,
      createdAtMs: 42,
      isDefault: true,
      protected: passphrase !== undefined,
    });
    expect(disk.files.get(PATH)!.mode).toBe(0o600);

    const again = await open(disk, passphrase);
    expect(again.list()).toEqual([info]);
    expect((await again.owner()).ownerId).toBe(info.ownerId);
    expect((await again.owner('main')).name).toBe('main');
    expect(await again.exportPhrase('main')).toBe(phrase);
  });

  it('adds, changes the default and removes', async () => {
    const ring = await open(memoryDisk(), passphrase);
    await ring.create('main');
    const added = await ring.add('work', newPhrase(random));
    expect(added.isDefault).toBe(false);
    expect((await ring.setDefault('work')).isDefault).toBe(true);
    expect((await ring.owner()).ownerId).toBe(added.ownerId);
    expect((await ring.remove('work')).name).toBe('work');
    expect(ring.list().map(({ name, isDefault }) => [name, isDefault])).toEqual([['main', true]]);
    await ring.remove('main');
    await expect(ring.owner()).rejects.toMatchObject({ code: 'no-owner-key', exit: 4 });
  });

  it('carries a key elsewhere, locked with the passphrase of the export', async () => {
    const ring = await open(memoryDisk(), passphrase);
    const { info, phrase } = await ring.create('main');
    const exported = await ring.exportEncrypted('main', 'another long passphrase');
    // One word alone may stand there by itself: "salt" and "memory" are words of the list.
    expect(exported).not.toContain(phrase.split(' ').slice(0, 2).join(' '));

    const elsewhere = await open(memoryDisk());
    await expect(elsewhere.importEncrypted(exported, 'not that one')).rejects.toMatchObject({
      code: 'wrong-passphrase',
    });
    expect(elsewhere.list()).toEqual([]);
    const imported = await elsewhere.importEncrypted(exported, 'another long passphrase', 'copy');
    expect(imported).toMatchObject({ name: 'copy', ownerId: info.ownerId });
    expect(await elsewhere.exportPhrase('copy')).toBe(phrase);
  });
});

describe('locked secrets', () => {
  it('need the passphrase, and it is not in the file', async () => {
    const disk = memoryDisk();
    const { phrase } = await (await open(disk, 'correct horse battery staple')).create('main');
    expect(fileText(disk)).not.toContain('correct');
    expect(fileText(disk)).not.toContain('entropy');
    await expect((await open(disk)).owner()).rejects.toMatchObject({ code: 'wrong-passphrase', exit: 9 });
    await expect((await open(disk, 'wrong')).exportPhrase('main')).rejects.toMatchObject({
      code: 'wrong-passphrase',
    });
    // Composed and decomposed letters are the same passphrase.
    expect(await (await open(disk, 'correct horse battery staple')).exportPhrase('main')).toBe(phrase);
  });

  it('do not open under another owner id', async () => {
    const disk = memoryDisk();
    const { info } = await (await open(disk, 'correct horse battery staple')).create('main');
    const forged = fileText(disk).replace(info.ownerId, 'a'.repeat(64));
    disk.files.set(PATH, { data: Buffer.from(forged), mode: 0o600 });
    await expect((await open(disk, 'correct horse battery staple')).owner()).rejects.toMatchObject({
      code: 'wrong-passphrase',
    });
  });

  it('plain ones of another owner are noticed too', async () => {
    const disk = memoryDisk();
    const { info } = await (await open(disk)).create('main');
    disk.files.set(PATH, {
      data: Buffer.from(fileText(disk).replace(info.ownerId, 'a'.repeat(64))),
      mode: 0o600,
    });
    await expect((await open(disk)).owner()).rejects.toMatchObject({ code: 'malformed-data' });
  });
});

describe('refusals', () => {
  it('of a file that others may read', async () => {
    const disk = memoryDisk();
    await (await open(disk)).create('main');
    for (const mode of [0o640, 0o604, 0o666]) {
      disk.files.get(PATH)!.mode = mode;
      await expect(open(disk)).rejects.toMatchObject({ code: 'insecure-file-mode', exit: 9 });
    }
  });

  it('of the same name, the same owner and a bad name', async () => {
    const disk = memoryDisk();
    const ring = await open(disk);
    const { phrase } = await ring.create('main');
    await expect(ring.create('main')).rejects.toMatchObject({ code: 'already-exists', exit: 6 });
    await expect(ring.add('again', phrase)).rejects.toMatchObject({ code: 'already-exists' });
    for (const name of ['', 'Main', 'a b', '../x', 'x'.repeat(64), '-x']) {
      await expect(ring.create(name)).rejects.toMatchObject({ code: 'bad-name' });
    }
    await expect(ring.add('other', phrase.slice(1))).rejects.toMatchObject({ code: 'bad-phrase' });
    expect(disk.writes).toBe(1);
  });

  it('of names that are not there, naming those that are', async () => {
    const ring = await open(memoryDisk());
    await ring.create('main');
    await expect(ring.owner('mian')).rejects.toMatchObject({ code: 'not-found', mend: 'keys here: main' });
    await expect(ring.setDefault('x')).rejects.toMatchObject({ code: 'not-found' });
    await expect(ring.remove('x')).rejects.toMatchObject({ code: 'not-found' });
  });

  it.each([
    ['no JSON', 'entropy 00ff', 'malformed-data'],
    ['another format', '{"format":"x","version":1}', 'malformed-data'],
    ['a later version', '{"format":"datamesh-keyring","version":2}', 'format-too-new'],
    ['no keys', '{"format":"datamesh-keyring","version":1,"default":""}', 'malformed-data'],
    [
      'a default that is not there',
      '{"format":"datamesh-keyring","version":1,"default":"x","keys":[]}',
      'malformed-data',
    ],
    [
      'a key without a secret',
      '{"format":"datamesh-keyring","version":1,"default":"","keys":[{"name":"x"}]}',
      'malformed-data',
    ],
  ])('of a file with %s, without showing its content', async (_, content, code) => {
    const disk = memoryDisk();
    disk.files.set(PATH, { data: Buffer.from(content), mode: 0o600 });
    await expect(open(disk)).rejects.toMatchObject({ code, message: expect.not.stringContaining('00ff') });
  });

  it.each([
    ['all the memory', '"memoryKiB": 65536', '"memoryKiB": 1073741824'],
    ['less memory than there can be', '"memoryKiB": 65536', '"memoryKiB": 7'],
    ['less than its lanes need', '"lanes": 1', '"lanes": 16, "memoryKiB": 127'],
    ['a salt too short', /"salt": "[0-9a-f]+"/, '"salt": "00112233445566"'],
    ['no nonce', /"nonce": "[0-9a-f]+"/, '"nonce": ""'],
  ])('of an import that asks for %s', async (_, of, to) => {
    const exported = await (async () => {
      const ring = await open(memoryDisk());
      await ring.create('main');
      return ring.exportEncrypted('main', 'pass');
    })();
    const hostile = exported.replace(of, to);
    expect(hostile).not.toBe(exported);
    await expect((await open(memoryDisk())).importEncrypted(hostile, 'pass')).rejects.toMatchObject({
      code: 'malformed-data',
    });
  });
});

it('many that add a key at once lose none', async () => {
  const [disk, clock, path] = [realDisk(), realClock(), `${await tempDir()}/keyring.json`];
  const lock = (of: string) => lockSoon(disk, of, clock);
  const rings = await Promise.all(
    Array.from({ length: 5 }, () => openKeyring({ disk, random, clock, lock }, path)),
  );
  // Of a process that was killed while it wrote.
  await disk.writeFileAtomic(`${path}.77-1.tmp`, Buffer.from('{"entropy":'), 0o600);
  await Promise.all(rings.map((ring, at) => ring.create(`key-${at}`)));
  const kept = await openKeyring({ disk, random, clock }, path);
  expect(kept.list()).toHaveLength(5);
  expect((await disk.list(dirname(path))).sort()).toEqual(['keyring.json', 'keyring.json.lock.guard']);
});

it('what another process has done to a key meanwhile is not undone', async () => {
  const disk = memoryDisk();
  const first = await open(disk);
  await first.create('main');
  await first.create('work');
  const [second, third] = [await open(disk), await open(disk)];
  await first.remove('work');
  // A default that is not there would make the whole file a damaged one.
  await expect(second.setDefault('work')).rejects.toMatchObject({ code: 'source-changed', exit: 6 });
  await first.create('work');
  await expect(second.remove('work')).rejects.toMatchObject({ code: 'source-changed' });
  await first.rewrap('correct horse battery staple');
  await expect(third.create('new')).rejects.toMatchObject({ code: 'source-changed' });
  expect((await open(disk)).list()).toMatchObject([
    { name: 'main', isDefault: true, protected: true },
    { name: 'work', protected: true },
  ]);
});

it('two processes adding keys lose none', async () => {
  const disk = memoryDisk();
  const first = await open(disk);
  const second = await open(disk);
  await first.create('one');
  await second.create('two');
  expect((await open(disk)).list().map(({ name }) => name)).toEqual(['one', 'two']);
});

describe('passphrase strength', () => {
  it.each([
    'password',
    'Password1!',
    'aaaaaaaaaaaaaaaaaaaa',
    'abcdefghijklmnop',
    '12345678901234567890',
    'qwerty123',
    'short',
    '',
  ])('"%s" is weak', (passphrase) => {
    expect(passphraseStrength(passphrase).bits).toBeLessThan(MIN_BITS);
    expect(passphraseStrength(passphrase).verdict).toBe('weak');
  });

  it.each(['correct horse battery staple orbit', 'x9$Kq2!vLp7#Rm', 'äöüß漢字 mixed 7'])(
    '"%s" is not',
    (passphrase) => {
      expect(passphraseStrength(passphrase).verdict).not.toBe('weak');
    },
  );
});
