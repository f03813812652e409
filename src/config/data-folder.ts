/**
 * Whether the configured data folder is the one that was set up. A disk that is not mounted, or a slip in the path, must not
 * make a new node with an identity of its own that says that nothing is stored.
 */
import { stat } from 'node:fs/promises';
import { dataPaths } from '../engine/options.ts';
import { DatameshError } from '../errors.ts';

/** Throws `file-not-found` when there is no such folder. */
export async function needDataFolder(dataDir: string): Promise<void> {
  if (!(await isThere(dataDir))) throw missing(`the data folder ${dataDir} is missing`);
}

/** Throws `file-not-found` when the folder is missing or holds no node: the set-up leaves keyring and device key in it. */
export async function needNodeFolder(dataDir: string): Promise<void> {
  await needDataFolder(dataDir);
  const { device, keyring } = dataPaths(dataDir);
  if ((await isThere(device)) || (await isThere(keyring))) return;
  throw missing(`the data folder ${dataDir} holds no node: neither keyring nor device key is in it`);
}

function missing(what: string): DatameshError {
  return new DatameshError('file-not-found', {
    what,
    why: 'is its disk mounted?',
    mend: 'bring it back, or name another: datamesh config set node.dataDir PATH; a new node is set up with: datamesh init --force',
  });
}

/** What may not be looked at is there; opening it says why it cannot be used. */
async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  );
}
