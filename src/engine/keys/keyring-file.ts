/** The keyring's file: named owner keys as JSON. Format: docs/FORMATS.md "Keys". */
import { DatameshError } from '../../errors.ts';
import { isHexId, type OwnerId } from '../types.ts';
import { parseSecret, type StoredSecret } from './sealed-secret.ts';

export interface KeyEntry {
  name: string;
  ownerId: OwnerId;
  createdAtMs: number;
  secret: StoredSecret;
}

export interface KeyringData {
  /** Name of the key used when none is named; '' when the ring is empty. */
  defaultName: string;
  keys: KeyEntry[];
}

export const KEYRING_FORMAT = 'datamesh-keyring';
export const KEY_FORMAT = 'datamesh-key';
const VERSION = 1;
/** 64 names of 63 letters with protected secrets take 30 KiB. */
export const MAX_KEYS = 64;
export const MAX_KEYRING_BYTES = 256 * 1024;
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export function isKeyName(name: string): boolean {
  return NAME.test(name);
}

export function checkKeyName(name: string): void {
  if (isKeyName(name)) return;
  throw new DatameshError('bad-name', {
    what: `"${name.slice(0, 70)}" is not a key name`,
    mend: 'use 1 to 63 lower-case letters, digits and dashes, e.g. "main"',
  });
}

export function encodeKeyring(ring: KeyringData): Uint8Array {
  const file = { format: KEYRING_FORMAT, version: VERSION, default: ring.defaultName, keys: ring.keys };
  return Buffer.from(`${JSON.stringify(file, null, 2)}\n`);
}

/** Throws `malformed-data` or `format-too-new`; never guesses at what is missing. */
export function decodeKeyring(bytes: Uint8Array, path: string): KeyringData {
  const file = parseJson(bytes, path);
  needFormat(file, KEYRING_FORMAT, path);
  const { default: defaultName, keys } = file;
  if (typeof defaultName !== 'string' || !Array.isArray(keys)) throw damaged(path, 'fields are missing');
  if (keys.length > MAX_KEYS) throw damaged(path, `it holds more than ${MAX_KEYS} keys`);
  const entries = keys.map((key) => decodeEntry(key, path));
  if (new Set(entries.map(({ name }) => name)).size !== entries.length)
    throw damaged(path, 'two keys have one name');
  const named = entries.some(({ name }) => name === defaultName);
  if (!named && (entries.length > 0 || defaultName !== ''))
    throw damaged(path, `its default key "${defaultName}" is not in it`);
  return { defaultName, keys: entries };
}

/** One key for carrying elsewhere; its secret is always locked with a passphrase. */
export function encodeKey(entry: KeyEntry): string {
  return `${JSON.stringify({ format: KEY_FORMAT, version: VERSION, ...entry }, null, 2)}\n`;
}

export function decodeKey(text: string, label: string): KeyEntry {
  const file = parseJson(Buffer.from(text), label);
  needFormat(file, KEY_FORMAT, label);
  return decodeEntry(file, label);
}

/** What a secret is bound to: whose it is. The name is left out so that a key can be renamed without its passphrase. */
export function secretAad(ownerId: OwnerId): Uint8Array {
  return Buffer.from(`datamesh key v1 ${ownerId}`);
}

function decodeEntry(value: unknown, path: string): KeyEntry {
  if (typeof value !== 'object' || value === null) throw damaged(path, 'a key is not an object');
  const { name, ownerId, createdAtMs, secret } = value as Record<string, unknown>;
  const parsed = parseSecret(secret);
  if (typeof name !== 'string' || !isKeyName(name)) throw damaged(path, 'a key has no proper name');
  if (typeof ownerId !== 'string' || !isHexId(ownerId)) throw damaged(path, `key "${name}" has no owner id`);
  if (typeof createdAtMs !== 'number') throw damaged(path, `key "${name}" has no date`);
  if (parsed === undefined) throw damaged(path, `the secret of key "${name}" is not readable`);
  return { name, ownerId: ownerId as OwnerId, createdAtMs, secret: parsed };
}

function parseJson(bytes: Uint8Array, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    // The cause is left out: JSON.parse quotes the text, and the text holds secrets.
    throw damaged(path, 'it is not valid JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw damaged(path, 'it is not a JSON object');
  return value as Record<string, unknown>;
}

function needFormat(file: Record<string, unknown>, format: string, path: string): void {
  if (file.format !== format) throw damaged(path, `it is not a ${format} file`);
  const version = file.version;
  if (typeof version === 'number' && version > VERSION) {
    throw new DatameshError('format-too-new', {
      what: `${path} was written by a newer datamesh (version ${version})`,
      mend: 'use that version, or a newer one',
    });
  }
  if (version !== VERSION) throw damaged(path, 'its version is missing');
}

function damaged(path: string, why: string): DatameshError {
  return new DatameshError('malformed-data', {
    what: `${path} is damaged`,
    why,
    mend: 'restore it from a backup, or move it away and bring the keys back with their 24 words (datamesh keys import)',
  });
}
