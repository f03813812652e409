/** Looks at the machine for the wizard: folders, disks, ports, other nodes. Each gives a sentence of what is wrong, or undefined. */
import { constants } from 'node:fs';
import { access, readdir, readFile, stat, statfs } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { decodeKey, decodeKeyring, MAX_KEYRING_BYTES } from '../engine/keys/keyring-file.ts';
import { entropyOfPhrase } from '../engine/keys/phrase.ts';
import { dataPaths } from '../engine/options.ts';
import { asDatameshError, DatameshError } from '../errors.ts';
import type { DiskFacts } from './facts.ts';

export interface ProbeResult {
  problem?: string;
  note?: string;
  disk?: DiskFacts;
}

/** statfs(2) types of Linux: tmpfs and ramfs; nfs, smb, cifs, smb2, ceph, 9p. */
const MEMORY_TYPES = new Set([0x01021994, 0x858458f6]);
const NETWORK_TYPES = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x00c36400, 0x01021997]);
/** A node that does not answer the first packet within this will not be of much use. */
const DIAL_TIMEOUT_MS = 3000;
const MAX_KEY_FILE_BYTES = 64 * 1024;
/** What a file system puts into a fresh folder by itself. */
const IGNORED_ENTRIES = new Set(['lost+found', '.DS_Store']);

/** The folder must be empty or ours, writable, and apart from the configuration. Also tells of its disk and keys. */
export async function probeDataDir(dataDir: string, configDir: string): Promise<ProbeResult> {
  const inside = relative(configDir, dataDir);
  if (inside === '' || !(inside.startsWith('..') || inside.startsWith('/'))) {
    return { problem: `it must not lie in the folder of the configuration, ${configDir}` };
  }
  const existing = await nearestExisting(dataDir);
  const found = await stat(existing);
  if (!found.isDirectory()) return { problem: `${existing} is a file, not a folder` };
  const writable = await access(existing, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!writable) return { problem: `you may not write in ${existing}` };
  const paths = dataPaths(dataDir);
  if (existing === dataDir) {
    const ours = new Set(Object.values(paths).map((path) => relative(dataDir, path)));
    const entries = (await readdir(dataDir)).filter((name) => !IGNORED_ENTRIES.has(name));
    if (entries.length > 0 && !entries.some((name) => ours.has(name))) {
      return { problem: `it holds other files (${entries.slice(0, 3).join(', ')}): choose an empty folder` };
    }
  }
  try {
    return { disk: await diskFacts(existing, await keyNames(paths.keyring)) };
  } catch (error) {
    return { problem: asDatameshError(error).message };
  }
}

async function diskFacts(folder: string, keys: string[]): Promise<DiskFacts> {
  const { bsize, bavail, blocks, type } = await statfs(folder);
  const kind = MEMORY_TYPES.has(type) ? 'memory' : NETWORK_TYPES.has(type) ? 'network' : 'local';
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, kind, keys };
}

/** Names only; no secret is opened. Throws when there is a keyring that cannot be read. */
async function keyNames(path: string): Promise<string[]> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes === undefined || bytes.length > MAX_KEYRING_BYTES) return [];
  return decodeKeyring(bytes, path).keys.map(({ name }) => name);
}

async function nearestExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    const exists = await stat(at).then(
      () => true,
      () => false,
    );
    if (exists || dirname(at) === at) return at;
  }
}

/** Whether this process can listen there now. */
export function probePort(port: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE'
          ? `port ${port} is in use by another program`
          : error.code === 'EACCES'
            ? `port ${port} needs more rights than you have`
            : `port ${port} cannot be used: ${error.code}`;
      resolve({ problem: reason });
    });
    server.listen({ port, exclusive: true }, () =>
      server.close(() => resolve({ note: `✔ port ${port} is free` })),
    );
  });
}

/** Dials each address once. A problem names those that did not answer; the note tells how long the others took. */
export async function probeBootstrap(addresses: readonly string[]): Promise<ProbeResult> {
  const results = await Promise.all(addresses.map(dial));
  const note = results.map(({ text }) => text).join(', ');
  const failed = results.filter(({ ok }) => !ok);
  if (failed.length === 0) return note === '' ? {} : { note };
  return {
    note,
    problem: `${failed.length} of ${results.length} did not answer: ${failed.map(({ text }) => text).join(', ')}`,
  };
}

async function dial(address: string): Promise<{ ok: boolean; text: string }> {
  const [, , host = '', transport, port = ''] = (address.split('?')[0] ?? '').split('/');
  if (transport !== 'tcp') return { ok: false, text: `✖ ${address}: not a TCP address` };
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: DIAL_TIMEOUT_MS });
    const end = (ok: boolean, reason: string) => {
      socket.destroy();
      resolve({ ok, text: `${ok ? '✔' : '✖'} ${host}:${port} ${reason}` });
    };
    socket.once('connect', () => end(true, `${Math.max(1, Math.round(performance.now() - startedAt))} ms`));
    socket.once('timeout', () => end(false, `no answer in ${DIAL_TIMEOUT_MS / 1000} s`));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(false, error.code === 'ECONNREFUSED' ? 'refused' : (error.code ?? error.message)),
    );
  });
}

/** Whether the file holds an exported key or 24 words. */
export async function probeKeyFile(path: string): Promise<ProbeResult> {
  try {
    const file = await readKeyFile(path);
    return { note: file.kind === 'phrase' ? '✔ 24 words' : `✔ exported key "${file.name}"` };
  } catch (error) {
    return { problem: asDatameshError(error).message };
  }
}

export type KeyFile = { kind: 'phrase'; phrase: string } | { kind: 'exported'; text: string; name: string };

/** Throws `bad-phrase`, `malformed-data`, `file-not-found` or `file-denied`. */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === 'ENOENT';
    throw new DatameshError(missing ? 'file-not-found' : 'file-denied', {
      what: `${path} ${missing ? 'does not exist' : `cannot be read (${cause.code})`}`,
      cause,
    });
  });
  const text = bytes.subarray(0, MAX_KEY_FILE_BYTES).toString('utf8').trim();
  if (text.startsWith('{')) return { kind: 'exported', text, name: decodeKey(text, path).name };
  entropyOfPhrase(text);
  return { kind: 'phrase', phrase: text };
}

/** Whether the configuration can be written: its folder, or the nearest one there is, takes new files. */
export async function probeWritable(path: string): Promise<ProbeResult> {
  const folder = await nearestExisting(dirname(path));
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => ({}),
    () => ({ problem: `you may not write in ${join(folder, '')}` }),
  );
}
