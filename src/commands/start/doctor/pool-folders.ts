/** Checks of the folders of this machine in which pools hold shards: each may lie on a disk of its own. */
import { statfs } from 'node:fs/promises';
import { readMarker } from '../../../engine/backends/folder-marker.ts';
import type { PoolFolder } from '../../../engine/catalog/catalog.ts';
import { realDisk } from '../../../engine/effects/real-disk.ts';
import { examineSqlite } from '../../../engine/effects/sqlite-file.ts';
import { dataPaths } from '../../../engine/options.ts';
import { size } from '../demo/tell.ts';
import type { Check, Finding } from './finding.ts';

export const checkPoolFolders: Check = async ({ config }) => {
  if (config === undefined) return [];
  const findings: Finding[] = [];
  // A catalog that cannot be read is the finding of another check.
  const folders = await foldersOf(dataPaths(config.node.dataDir).catalog).catch(() => []);
  for (const [path, holders] of Map.groupBy(folders, (folder) => folder.path)) {
    const marker = await readMarker(realDisk(), path);
    if (marker === undefined || holders.every(({ holder }) => holder !== marker.id)) {
      findings.push(awayFinding(path, marker !== undefined));
      continue;
    }
    const { bavail, blocks, bsize } = await statfs(path);
    const reserveBytes = (blocks * bsize * config.storage.reservePercent) / 100;
    findings.push(folderFinding(path, bavail * bsize, reserveBytes));
  }
  return findings;
};

/** The catalog does not say whose a folder is, and another device of the owner has its own. */
function awayFinding(path: string, other: boolean): Finding {
  return {
    check: 'pool folder',
    state: 'warn',
    detail: `${other ? `${path} is another folder than the pool was made with` : `nothing of datamesh is at ${path}`}: its shards count as lost`,
    mend: 'mount its disk there; nothing, if the folder is on another machine of yours',
  };
}

export function folderFinding(path: string, freeBytes: number, reserveBytes: number): Finding {
  const detail = `${path}: ${size(freeBytes)} free, ${size(reserveBytes)} of it kept in reserve`;
  if (freeBytes > reserveBytes) return { check: 'pool folder', state: 'ok', detail };
  return {
    check: 'pool folder',
    state: 'warn',
    detail: `${detail}: no further shard goes there`,
    mend: 'free some space on its disk, or give the pool a further folder: datamesh pool set POOL --dir PATH',
  };
}

async function foldersOf(catalog: string): Promise<PoolFolder[]> {
  if (((await realDisk().stat(catalog))?.sizeBytes ?? 0) === 0) return [];
  const found: PoolFolder[] = [];
  examineSqlite(catalog, 0, (db) => {
    for (const { folders } of db.prepare('SELECT folders FROM pools').all())
      found.push(...(JSON.parse(String(folders)) as PoolFolder[]));
  });
  return found;
}
