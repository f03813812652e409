/** Checks of what lies on disk: configuration, data folder, space, keyring. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, rm, stat, statfs } from 'node:fs/promises';
import { needNodeFolder } from '../../../config/data-folder.ts';
import { formatSize } from '../../../config/units.ts';
import { realClock } from '../../../engine/effects/clock.ts';
import { asClearError } from '../../../engine/effects/file-errors.ts';
import { realRandom } from '../../../engine/effects/random.ts';
import { realDisk } from '../../../engine/effects/real-disk.ts';
import { openKeyring } from '../../../engine/keys/keyring.ts';
import { dataPaths } from '../../../engine/options.ts';
import { asDatameshError } from '../../../errors.ts';
import { olderLogs } from '../../node/service-events.ts';
import { size } from '../demo/tell.ts';
import type { Check, Finding, Patient } from './finding.ts';

const OTHERS = 0o077;
/** What is proposed where a larger reserve leaves no room. */
const LOW_RESERVE_PERCENT = 5;

/** The configuration, read anew so that its own error is the finding; later checks use what came of it. */
export async function examineConfig(patient: Patient): Promise<Finding> {
  const path = patient.context.configPath();
  try {
    patient.config = await patient.context.config();
  } catch (thrown) {
    const error = asClearError(thrown);
    const mend = error.mend ?? 'datamesh config validate';
    return { check: 'configuration', state: 'fail', detail: error.message, mend };
  }
  const mode = (await stat(path)).mode & 0o777;
  if ((mode & OTHERS) === 0) return { check: 'configuration', state: 'ok', detail: path };
  return {
    check: 'configuration',
    state: 'warn',
    detail: `${path} may be read by others (mode ${mode.toString(8)})`,
    mend: `chmod 600 '${path}'`,
  };
}

export const checkDataFolder: Check = async ({ config }) => {
  if (config === undefined) return [];
  const { dataDir } = config.node;
  const lost = await needNodeFolder(dataDir).then(() => undefined, asDatameshError);
  if (lost !== undefined) {
    return {
      check: 'data folder',
      state: 'fail',
      detail: lost.message,
      ...(lost.mend === undefined ? {} : { mend: lost.mend }),
    };
  }
  const found = await stat(dataDir);
  const mode = found.mode & 0o777;
  if (!found.isDirectory()) {
    return {
      check: 'data folder',
      state: 'fail',
      detail: `${dataDir} is no folder`,
      mend: 'datamesh config set node.dataDir PATH',
    };
  }
  if ((mode & OTHERS) !== 0) {
    return {
      check: 'data folder',
      state: 'fail',
      detail: `${dataDir} is open to others (mode ${mode.toString(8)}); the node will not start`,
      mend: `chmod 700 '${dataDir}'`,
    };
  }
  const writable = await access(dataDir, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (writable) return { check: 'data folder', state: 'ok', detail: dataDir };
  return {
    check: 'data folder',
    state: 'fail',
    detail: `${dataDir} may not be written by this user`,
    mend: `sudo chown -R "$USER" '${dataDir}'`,
  };
};

/** What others could read or put in place of a node's own. */
export const checkModes: Check = async ({ config }) => {
  if (config === undefined) return [];
  const paths = dataPaths(config.node.dataDir);
  const { device, catalog, custody, shards, log, socket, journal, quarantine } = paths;
  const open: string[] = [];
  // The keyring has a check of its own, which opens it.
  const logs = [log, ...olderLogs(log)];
  for (const path of [device, catalog, custody, shards, ...logs, socket, journal, quarantine]) {
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && (found.mode & OTHERS) !== 0) open.push(path);
  }
  if (open.length === 0)
    return { check: 'permissions', state: 'ok', detail: 'all files are this user’s alone' };
  return {
    check: 'permissions',
    state: open.includes(device) ? 'fail' : 'warn',
    detail: `${open.join(', ')} may be read or changed by others, were the folder open`,
    mend: `chmod -R go-rwx '${config.node.dataDir}'`,
  };
};

export const checkSpace: Check = async ({ config }) => {
  if (config === undefined) return [];
  const { quotaBytes, reservePercent } = config.storage;
  const place = await existingParent(config.node.dataDir);
  const { bavail, blocks, bsize } = await statfs(place);
  const freeBytes = bavail * bsize;
  return spaceFinding({
    freeBytes,
    diskBytes: blocks * bsize,
    quotaBytes,
    reservePercent,
    heldBytes: await heldBytes(config.node.dataDir),
  });
};

export interface SpaceFigures {
  freeBytes: number;
  diskBytes: number;
  quotaBytes: number;
  reservePercent: number;
  /** Already counted for the quota, and not free any more. */
  heldBytes: number;
}

export function spaceFinding(it: SpaceFigures): Finding {
  const { freeBytes, diskBytes, quotaBytes, reservePercent, heldBytes } = it;
  const reserveBytes = (diskBytes * reservePercent) / 100;
  const usable = freeBytes - reserveBytes;
  const seen = `${size(freeBytes)} free, ${size(reserveBytes)} of it kept in reserve, ${size(quotaBytes)} offered`;
  if (quotaBytes > 0 && usable <= 0) {
    return {
      check: 'space',
      state: 'fail',
      detail: `${seen}: nothing can be stored`,
      mend:
        reservePercent > LOW_RESERVE_PERCENT && freeBytes > (diskBytes * LOW_RESERVE_PERCENT) / 100
          ? `free some space, or lower the reserve: datamesh config set storage.reservePercent ${LOW_RESERVE_PERCENT}`
          : 'free some space',
    };
  }
  if (usable < quotaBytes - heldBytes) {
    return {
      check: 'space',
      state: 'warn',
      detail: `${seen}: less room than offered`,
      mend: `free some space, or offer less: datamesh config set storage.quotaBytes ${roomBelow(usable + heldBytes)}`,
    };
  }
  return { check: 'space', state: 'ok', detail: seen };
}

/** What is rounded up is again more than there is. */
function roomBelow(bytes: number): string {
  const unit = bytes >= 10 * 2 ** 30 ? 2 ** 30 : bytes >= 10 * 2 ** 20 ? 2 ** 20 : 1;
  return formatSize(Math.floor(bytes / unit) * unit).replace(' ', '');
}

/** Writes, syncs and reads back a file: what every put waits for on each holder. */
export const checkDisk: Check = async ({ config }) =>
  config === undefined || !(await stat(config.node.dataDir).catch(() => undefined))
    ? []
    : diskFinding(config.node.dataDir, open);

/** @param openFile that of node:fs/promises unless given */
export async function diskFinding(dataDir: string, openFile: typeof open): Promise<Finding> {
  const path = `${dataDir}/doctor-${randomBytes(6).toString('hex')}.tmp`;
  const written = randomBytes(DISK_BYTES);
  try {
    const file = await openFile(path, 'wx+', 0o600);
    try {
      // A disk that is nearly full takes what it has room for, and refuses the rest when it is asked again.
      for (let at = 0; at < written.length; )
        at += (await file.write(written, at, written.length - at, at)).bytesWritten;
      const startMs = performance.now();
      await file.datasync();
      const syncMs = performance.now() - startMs;
      const { buffer } = await file.read(Buffer.alloc(DISK_BYTES), 0, DISK_BYTES, 0);
      const seen = `${size(DISK_BYTES)} written and synced in ${Math.round(syncMs)} ms`;
      if (written.compare(buffer) !== 0)
        return {
          check: 'disk',
          state: 'fail',
          detail: 'it gives back other bytes than were written',
          mend: REPLACE,
        };
      if (syncMs > SLOW_SYNC_MS)
        return { check: 'disk', state: 'warn', detail: `${seen}; every put waits for that`, mend: REPLACE };
      return { check: 'disk', state: 'ok', detail: seen };
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const full = NO_ROOM.includes(code);
    return { check: 'disk', state: 'fail', detail: message, mend: full ? MAKE_ROOM : REPLACE };
  } finally {
    await rm(path, { force: true });
  }
}

const DISK_BYTES = 2 ** 20;
/** A disk that turns takes a hundredth of that. */
const SLOW_SYNC_MS = 2000;
/** Nothing is wrong with a disk or a quota that is full. */
const NO_ROOM = ['ENOSPC', 'EDQUOT'];
const MAKE_ROOM = 'free some space on the file system of the data folder';
const REPLACE = 'look at the disk (smartctl -a, dmesg); a failing one is replaced after: datamesh drain';

export const checkKeyring: Check = async ({ config }) => {
  if (config === undefined) return [];
  const path = dataPaths(config.node.dataDir).keyring;
  const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
  const keys = (await openKeyring(effects, path)).list();
  if (keys.length === 0) {
    return {
      check: 'keyring',
      state: 'warn',
      detail: 'there is no owner key: this node stores for others, but cannot put files of its own',
      mend: 'datamesh keys new main',
    };
  }
  const names = keys.map((key) => `${key.name}${key.protected ? ' (passphrase)' : ''}`).join(', ');
  return { check: 'keyring', state: 'ok', detail: names };
};

/** The folder itself or the nearest one above it that exists: there the file system is asked. */
async function existingParent(path: string): Promise<string> {
  for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    if (await stat(at).catch(() => undefined)) return at;
  }
  return '/';
}

async function heldBytes(dataDir: string): Promise<number> {
  const { readdir } = await import('node:fs/promises');
  const folder = dataPaths(dataDir).shards;
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const stats = await Promise.all(names.map((name) => stat(`${folder}/${name}`).catch(() => undefined)));
  return stats.reduce((sum, it) => sum + (it?.isFile() ? it.blocks * 512 : 0), 0);
}
