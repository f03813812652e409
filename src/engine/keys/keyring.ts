/** The owner keys of a node, by name. Secrets stay in the file until one is asked for. */
import { basename, dirname } from 'node:path';
import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { Disk } from '../effects/disk.ts';
import type { Random } from '../effects/random.ts';
import type { OwnerId } from '../types.ts';
import {
  checkKeyName,
  decodeKey,
  decodeKeyring,
  encodeKey,
  encodeKeyring,
  type KeyEntry,
  type KeyringData,
  MAX_KEYRING_BYTES,
  MAX_KEYS,
  secretAad,
} from './keyring-file.ts';
import type { OwnerKeys } from './keys.ts';
import { deriveOwner } from './owner.ts';
import { entropyOfPhrase, newPhrase, phraseOfEntropy } from './phrase.ts';
import { lockSecret, unlockSecret } from './sealed-secret.ts';
import { readSecretFile, SECRET_MODE } from './secret-file.ts';

export interface KeyringEffects {
  disk: Disk;
  random: Random;
  clock: Clock;
  /** Waits until no other process is changing what `path` is for. Undefined where none can. */
  lock?: (path: string) => Promise<{ release(): Promise<void> }>;
}

export interface KeyInfo {
  name: string;
  ownerId: OwnerId;
  createdAtMs: number;
  isDefault: boolean;
  /** Locked with a passphrase; otherwise only the file's mode guards it. */
  protected: boolean;
}

export interface Keyring {
  readonly path: string;
  /** In the order they were added. */
  list(): KeyInfo[];
  /** The keys of one owner, of the default one when no name is given. Throws `no-owner-key`, `not-found`, `wrong-passphrase`. */
  owner(name?: string): Promise<OwnerKeys>;
  /** Makes a phrase, keeps it, and gives it back once for writing down. Throws `already-exists`. */
  create(name: string): Promise<{ info: KeyInfo; phrase: string }>;
  /** Keeps an existing phrase. Throws `already-exists` for a name or an owner that is there. */
  add(name: string, phrase: string): Promise<KeyInfo>;
  exportPhrase(name: string): Promise<string>;
  /** A JSON text that opens with `passphrase` anywhere. */
  exportEncrypted(name: string, passphrase: string): Promise<string>;
  /** `passphrase` is the export's own. Keeps the key under `name`, or the name it had. */
  importEncrypted(text: string, passphrase: string, name?: string): Promise<KeyInfo>;
  /** Throws `not-found`, `source-changed` when another process has changed that key. */
  setDefault(name: string): Promise<KeyInfo>;
  /**
   * Locks every key anew, with another passphrase or (undefined) none; all of them or none. Throws `bad-value` when it is the one that they had, `wrong-passphrase`,
   * `source-changed` when another process has changed the keyring.
   */
  rewrap(passphrase: string | undefined): Promise<KeyInfo[]>;
  /** Forgets a key here. Without the 24 words nothing sealed to it can be read again. Throws as `setDefault`. */
  remove(name: string): Promise<KeyInfo>;
}

/**
 * Opens the keyring in `path`; a missing file is an empty ring, written with the first key. With a `passphrase` new keys
 * are locked with it, and locked ones open with it. Throws `insecure-file-mode`, `malformed-data`, `format-too-new`.
 */
export async function openKeyring(
  effects: KeyringEffects,
  path: string,
  passphrase?: string,
): Promise<Keyring> {
  let ring = await load(effects.disk, path);

  const find = (name: string): KeyEntry => {
    const entry = ring.keys.find((key) => key.name === name);
    if (entry !== undefined) return entry;
    const known = ring.keys.map((key) => key.name);
    throw new DatameshError('not-found', {
      what: `there is no key "${name.slice(0, 70)}"`,
      mend: known.length > 0 ? `keys here: ${known.join(', ')}` : 'make one with: datamesh keys new main',
      details: { known },
    });
  };

  const open = async (entry: KeyEntry): Promise<string> => {
    const entropy = await unlockSecret(
      entry.secret,
      passphrase,
      secretAad(entry.ownerId),
      `key "${entry.name}"`,
    );
    return phraseOfEntropy(entropy);
  };

  // Another process may have changed it meanwhile: every change starts from what the file says now, and of two the second waits.
  const change = async (apply: (current: KeyringData) => KeyringData): Promise<void> => {
    const lock = await effects.lock?.(`${path}.lock`);
    try {
      if (lock !== undefined) await dropLeftovers(effects.disk, path);
      const next = apply(await load(effects.disk, path));
      await effects.disk.writeFileAtomic(path, encodeKeyring(next), SECRET_MODE);
      ring = next;
    } finally {
      await lock?.release();
    }
  };

  const keep = async (name: string, phrase: string): Promise<KeyInfo> => {
    checkKeyName(name);
    const { ownerId } = deriveOwner(phrase, name);
    needRoom(ring, name, ownerId);
    const secret = await lockSecret(entropyOfPhrase(phrase), passphrase, secretAad(ownerId), effects.random);
    const entry: KeyEntry = { name, ownerId, createdAtMs: effects.clock.now(), secret };
    const before = ring.keys;
    await change((current) => {
      needRoom(current, name, ownerId);
      // Locked with a passphrase that was changed meanwhile, it would be the only key that opens with the old one.
      if (current.keys.some((key) => isRelocked(key, before))) throw changedMeanwhile();
      return { defaultName: current.defaultName || name, keys: [...current.keys, entry] };
    });
    return infoOf(ring, entry);
  };

  return {
    path,
    list: () => ring.keys.map((entry) => infoOf(ring, entry)),
    async owner(name) {
      if (name === undefined && ring.defaultName === '') throw noOwnerKey(path);
      const entry = find(name ?? ring.defaultName);
      const owner = deriveOwner(await open(entry), entry.name);
      if (owner.ownerId !== entry.ownerId) {
        throw new DatameshError('malformed-data', {
          what: `${path} is damaged: the secret of key "${entry.name}" belongs to another owner`,
        });
      }
      return owner;
    },
    async create(name) {
      const phrase = newPhrase(effects.random);
      return { info: await keep(name, phrase), phrase };
    },
    add: keep,
    exportPhrase: async (name) => open(find(name)),
    async exportEncrypted(name, exportPassphrase) {
      const entry = find(name);
      const entropy = entropyOfPhrase(await open(entry));
      const secret = await lockSecret(entropy, exportPassphrase, secretAad(entry.ownerId), effects.random);
      return encodeKey({ ...entry, secret });
    },
    async importEncrypted(text, exportPassphrase, name) {
      const entry = decodeKey(text, 'the exported key');
      const entropy = await unlockSecret(
        entry.secret,
        exportPassphrase,
        secretAad(entry.ownerId),
        'the exported key',
      );
      return keep(name ?? entry.name, phraseOfEntropy(entropy));
    },
    async setDefault(name) {
      const chosen = find(name);
      await change((current) => {
        needSame(current, chosen);
        return { ...current, defaultName: name };
      });
      return infoOf(ring, chosen);
    },
    async rewrap(next) {
      const before = ring.keys;
      const locked = before.some((entry) => entry.secret.kind !== 'plain');
      if (next !== undefined && next === passphrase && locked) {
        throw new DatameshError('bad-value', {
          what: 'the new passphrase is the one that the keyring has',
          mend: 'choose another one',
        });
      }
      const keys: KeyEntry[] = [];
      for (const entry of before) {
        const aad = secretAad(entry.ownerId);
        const entropy = entropyOfPhrase(await open(entry));
        const secret = await lockSecret(entropy, next, aad, effects.random);
        // What cannot be opened again would be lost with the old file.
        const again = await unlockSecret(secret, next, aad, `key "${entry.name}"`);
        if (Buffer.compare(again, entropy) !== 0)
          throw new DatameshError('internal', { what: 'a key that was locked anew opens as another one' });
        keys.push({ ...entry, secret });
      }
      await change((current) => {
        if (JSON.stringify(current.keys) !== JSON.stringify(before)) throw changedMeanwhile();
        return { ...current, keys };
      });
      passphrase = next;
      return ring.keys.map((entry) => infoOf(ring, entry));
    },
    async remove(name) {
      const entry = find(name);
      const removed = infoOf(ring, entry);
      await change((current) => {
        needSame(current, entry);
        const keys = current.keys.filter((key) => key.name !== name);
        const defaultName = current.defaultName === name ? (keys[0]?.name ?? '') : current.defaultName;
        return { defaultName, keys };
      });
      return removed;
    },
  };
}

async function load(disk: Disk, path: string): Promise<KeyringData> {
  const bytes = await readSecretFile(disk, path, MAX_KEYRING_BYTES);
  return bytes === undefined ? { defaultName: '', keys: [] } : decodeKeyring(bytes, path);
}

/** What a process that was killed has half written holds secrets too, perhaps without the passphrase that they have by now. */
async function dropLeftovers(disk: Disk, path: string): Promise<void> {
  const [dir, name] = [dirname(path), basename(path)];
  for (const file of await disk.list(dir))
    if (file.startsWith(`${name}.`) && file.endsWith('.tmp')) await disk.remove(`${dir}/${file}`);
}

function needRoom(ring: KeyringData, name: string, ownerId: OwnerId): void {
  if (ring.keys.some((key) => key.name === name)) {
    throw new DatameshError('already-exists', {
      what: `a key named "${name}" exists`,
      mend: 'choose another name',
    });
  }
  const same = ring.keys.find((key) => key.ownerId === ownerId);
  if (same !== undefined) {
    throw new DatameshError('already-exists', {
      what: `this key is in the keyring already, as "${same.name}"`,
      mend: `to use it: datamesh keys default ${same.name}; in a set-up: --identity keep`,
    });
  }
  if (ring.keys.length >= MAX_KEYS) {
    throw new DatameshError('quota-full', {
      what: `the keyring holds ${MAX_KEYS} keys, the most it can`,
      mend: 'remove one you no longer need',
    });
  }
}

function isRelocked({ ownerId, secret }: KeyEntry, before: readonly KeyEntry[]): boolean {
  const known = before.find((key) => key.ownerId === ownerId);
  return known !== undefined && JSON.stringify(known.secret) !== JSON.stringify(secret);
}

/** A key of that name may be another one by now. */
function needSame(ring: KeyringData, { name, ownerId }: KeyEntry): void {
  if (!ring.keys.some((key) => key.name === name && key.ownerId === ownerId)) throw changedMeanwhile();
}

function changedMeanwhile(): DatameshError {
  return new DatameshError('source-changed', {
    what: 'another process has changed the keyring meanwhile',
    mend: 'try again',
  });
}

function infoOf(ring: KeyringData, entry: KeyEntry): KeyInfo {
  return {
    name: entry.name,
    ownerId: entry.ownerId,
    createdAtMs: entry.createdAtMs,
    isDefault: ring.defaultName === entry.name,
    protected: entry.secret.kind !== 'plain',
  };
}

function noOwnerKey(path: string): DatameshError {
  return new DatameshError('no-owner-key', {
    what: `the keyring ${path} holds no owner key`,
    mend: 'make one with: datamesh keys new main; or bring one back with: datamesh keys import main',
  });
}
