/** Checks of what a start opens in the data folder, but for the shard store (store-files.ts): identity, databases, notes. Each is read by the decoder that the node reads it by, and none is changed. */
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { catalogFormat } from '../../../engine/catalog/schema.ts';
import { realClock } from '../../../engine/effects/clock.ts';
import { asClearError } from '../../../engine/effects/file-errors.ts';
import { realDisk } from '../../../engine/effects/real-disk.ts';
import { examineSqlite } from '../../../engine/effects/sqlite-file.ts';
import { loadDevice } from '../../../engine/keys/device.ts';
import { isEmptyCustody } from '../../../engine/maintenance/custody/sqlite-custody.ts';
import { openDrainFlag } from '../../../engine/node/drain.ts';
import { openQuotas } from '../../../engine/node/owner-quotas.ts';
import { dataPaths } from '../../../engine/options.ts';
import type { Check, Finding } from './finding.ts';

/** Read to the end in a second or so; of a larger one the head and the tables are looked at. */
const MAX_DATABASE_BYTES = 256 * 1024 * 1024;

/** Lost, it would be made anew without a word: a stranger to all who know this node, and its shards nobody's. */
export const checkIdentity: Check = async ({ config }) => {
  if (config === undefined) return [];
  const disk = realDisk();
  const { device, catalog, shards } = dataPaths(config.node.dataDir);
  const found = await loadDevice(disk, device);
  if (found !== undefined) return { check: 'identity', state: 'ok', detail: found.peerId };
  const ranHere = ((await disk.stat(catalog)) ?? (await disk.stat(shards))) !== undefined;
  if (!ranHere) return { check: 'identity', state: 'ok', detail: 'none yet; the first start makes it' };
  return {
    check: 'identity',
    state: 'fail',
    detail: `${device} is missing, but this node has run before: the next start makes a new device, and the shards of the old one count as lost`,
    mend: 'restore the file from a backup before the next start',
  };
};

export const checkCatalog: Check = async ({ config }) =>
  config === undefined
    ? []
    : database(
        'catalog',
        config.node.dataDir,
        catalogFormat,
        'the next start makes a new one and fetches what the mesh has of it, and so does: datamesh recover',
      );

export const checkCustody: Check = async ({ config }) =>
  config === undefined
    ? []
    : database(
        'custody',
        config.node.dataDir,
        isEmptyCustody,
        'the next start makes a new one, and other custodians fill it again',
      );

/** @param otherwise what happens when it is moved away */
async function database(
  check: 'catalog' | 'custody',
  dataDir: string,
  look: (db: DatabaseSync, path: string) => unknown,
  otherwise: string,
): Promise<Finding[]> {
  const { [check]: path, shards } = dataPaths(dataDir);
  const size = (await realDisk().stat(path))?.sizeBytes;
  if (size === undefined || size === 0) {
    // The first start makes it, beside the shards.
    if ((await realDisk().stat(shards)) === undefined) return [];
    const detail = `${path} is ${size === 0 ? 'empty' : 'missing'}, but this node has run before`;
    return [
      { check, state: 'warn', detail, mend: `restore it from a backup before the next start; ${otherwise}` },
    ];
  }
  try {
    examineSqlite(path, MAX_DATABASE_BYTES, (db) => look(db, path));
  } catch (thrown) {
    const { code, message, mend } = asClearError(thrown);
    const aside = `${dirname(path)}/damaged`;
    const away = `with the node stopped, restore it from a backup, or: mkdir '${aside}' && mv '${path}'* '${aside}'; ${otherwise}`;
    return [
      {
        check,
        state: 'fail',
        detail: message,
        ...(code === 'malformed-data' ? { mend: away } : mend === undefined ? {} : { mend }),
      },
    ];
  }
  return [{ check, state: 'ok', detail: size > MAX_DATABASE_BYTES ? `${path}, its head` : path }];
}

/** Small files that a node would rather not start without understanding. */
export const checkNotes: Check = async ({ config }) => {
  if (config === undefined) return [];
  const disk = realDisk();
  const { drain, quotas } = dataPaths(config.node.dataDir);
  const each = await Promise.allSettled([
    openDrainFlag({ disk, clock: realClock(), path: drain }),
    openQuotas(disk, quotas),
  ]);
  return each.flatMap((it): Finding[] => {
    if (it.status === 'fulfilled') return [];
    const { message, mend } = asClearError(it.reason);
    return [{ check: 'notes', state: 'fail', detail: message, ...(mend === undefined ? {} : { mend }) }];
  });
};
