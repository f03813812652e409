/** Pools as rows and lines. */
import { LEVELS } from '../../engine/placement/domains.ts';
import { quotaOf } from '../../engine/pools/quota.ts';
import type { PoolDetail, PoolSettings, PoolView } from '../../engine/views/pools.ts';
import type { Column, Output, OutputRecord } from '../command.ts';
import { many } from '../format/units.ts';

export const POOL_COLUMNS: readonly Column[] = [
  { key: 'name', title: 'NAME' },
  { key: 'code', title: 'CODE' },
  { key: 'domain', title: 'DOMAIN' },
  { key: 'objects', title: 'OBJECTS', align: 'right' },
  { key: 'logicalBytes', title: 'SIZE', align: 'right', format: 'bytes' },
  { key: 'storedBytes', title: 'STORED', align: 'right', format: 'bytes' },
  { key: 'quotaBytes', title: 'QUOTA', align: 'right', format: 'bytes', priority: 2 },
  { key: 'compress', title: 'COMPRESS', format: 'yesno', priority: 3 },
  { key: 'nodes', title: 'NODES', format: 'list', priority: 2 },
  { key: 'dirs', title: 'DIRS', format: 'list', priority: 1 },
  { key: 'createdAtMs', title: 'CREATED', format: 'time', priority: 4 },
];

export const POOL_DETAIL_COLUMNS: readonly Column[] = [
  { key: 'name', title: 'Name' },
  { key: 'code', title: 'Code' },
  { key: 'domain', title: 'Domain' },
  { key: 'compress', title: 'Compress', format: 'yesno' },
  { key: 'nodes', title: 'Nodes', format: 'list' },
  { key: 'dirs', title: 'Dirs', format: 'list' },
  { key: 'objects', title: 'Objects' },
  { key: 'versions', title: 'Versions' },
  { key: 'logicalBytes', title: 'Your data, all versions', format: 'bytes' },
  { key: 'storedBytes', title: 'Stored', format: 'bytes' },
  { key: 'quotaBytes', title: 'Folders may hold', format: 'bytes' },
  { key: 'keepVersions', title: 'Old versions kept' },
  { key: 'keepAgeMs', title: 'Kept for', format: 'duration' },
  { key: 'keepBytes', title: 'Kept bytes', format: 'bytes' },
  { key: 'holders', title: 'Holders now' },
  { key: 'placeable', title: 'Shards placeable' },
  { key: 'wanted', title: 'Shards wanted' },
  { key: 'accepted', title: 'Puts accepted', format: 'yesno' },
  { key: 'survivesDisks', title: 'Survives disks' },
  { key: 'survivesNodes', title: 'Survives nodes' },
  { key: 'survivesRacks', title: 'Survives racks' },
  { key: 'survivesZones', title: 'Survives zones' },
  { key: 'arithmetic', title: 'Why not' },
];

export function poolRecord(pool: PoolView): OutputRecord {
  const { name, code, domain, compress, nodes, folders, separateDisks, createdAtMs } = pool;
  return {
    name,
    code: `${code.k}+${code.m}`,
    domain,
    compress,
    nodes: nodes === 'all' ? ['all'] : nodes,
    dirs: folders.map(({ path }) => path),
    folders: folders.map((folder) => ({ ...folder, freeBytes: folder.freeBytes ?? null })),
    separateDisks,
    ...pool.usage,
    quotaBytes: quotaOf(pool) ?? null,
    keepVersions: pool.keep?.versions ?? null,
    keepAgeMs: pool.keep?.ageMs ?? null,
    keepBytes: pool.keep?.bytes ?? null,
    createdAtMs: createdAtMs ?? null,
  };
}

export function poolDetailRecord(pool: PoolDetail): OutputRecord {
  const { holders, at, wanted, placeable, domainsNeeded, whole, accepted, arithmetic, survives } = pool.now;
  return {
    ...poolRecord(pool),
    holders,
    at,
    wanted,
    placeable,
    domainsNeeded,
    whole,
    accepted,
    survivesDisks: survives.disk,
    survivesNodes: survives.node,
    survivesRacks: survives.rack,
    survivesZones: survives.zone,
    arithmetic: arithmetic ?? null,
  };
}

/** What a reader should take from the figures. */
export function explain(pool: PoolDetail, out: Output): void {
  const { now, domain, folders } = pool;
  if (domain === 'none') out.note('domain none promises nothing: the loss of any one node may lose data');
  else if (now.whole) {
    const survived = LEVELS.map((level) => ({ level, losses: now.survives[level] }));
    const any = survived.filter(({ losses }) => losses > 0).map(({ level, losses }) => many(losses, level));
    const no = survived.filter(({ losses }) => losses === 0).map(({ level }) => level);
    out.note(
      `a stripe put now outlives the loss of any ${any.join(', or any ')}${no.length === 0 ? '' : `; of no ${no.join(' or ')}`}`,
    );
  } else if (now.accepted) {
    out.note(
      `a put would go ahead with ${now.placeable} of ${now.wanted} shards, and end with 3: ${now.arithmetic}`,
    );
  } else out.note(`a put would be refused: ${now.arithmetic}`);
  for (const { path } of folders.filter(({ freeBytes }) => freeBytes === undefined)) {
    out.warn(`the folder ${path} is away: its shards count as lost until its disk is mounted again`);
  }
}

/** What it would be; not where folders that were not looked at decide what it is worth. */
export function tellDryRun(done: string, pool: PoolDetail, settings: PoolSettings, out: Output): void {
  if (settings.folders === undefined) {
    out.record(poolDetailRecord(pool));
    explain(pool, out);
    out.note(`${done} (--dry-run)`);
  } else out.note(`${done}, and no --dir was looked at (--dry-run)`);
}
