/** Pools as rows of the catalog. */
import { DatameshError } from '../../errors.ts';
import type { Row, SqlValue } from '../effects/sqlite-file.ts';
import type { Domain } from '../placement/domains.ts';
import type { CatalogTotals, PoolFolder, PoolRecord, Retention } from './catalog.ts';
import type { Stamp } from './mirror/stamp.ts';

type Read = (sql: string, ...values: SqlValue[]) => Row[];
type Run = (sql: string, ...values: SqlValue[]) => { changes: number | bigint };

export function readPools(all: Read, owner: number | undefined): PoolRecord[] {
  if (owner === undefined) return [];
  return all('SELECT * FROM pools WHERE owner = ? ORDER BY name', owner).map(poolOf);
}

/** Throws `already-exists`. */
export function insertPool(run: Run, owner: number, pool: PoolRecord, stamp: Stamp): void {
  if (write(run, 'INSERT OR IGNORE', owner, pool, stamp, 0) > 0) return;
  throw new DatameshError('already-exists', {
    what: `there is already a pool ${pool.name}`,
    mend: `choose another name, or change it with \`datamesh pool set ${pool.name}\``,
    details: { name: pool.name },
  });
}

/** `segment`: the one of the mirror that tells of it, 0 for none yet. */
export function replacePool(run: Run, owner: number, pool: PoolRecord, stamp: Stamp, segment = 0): void {
  write(run, 'INSERT OR REPLACE', owner, pool, stamp, segment);
}

function write(
  run: Run,
  verb: string,
  owner: number,
  pool: PoolRecord,
  stamp: Stamp,
  segment: number,
): number {
  const { changes } = run(
    `${verb} INTO pools (owner, name, k, m, domain, compress, separate_disks, nodes, folders, created_at_ms,
       keep_versions, keep_age_ms, keep_bytes, stamp, segment)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    owner,
    pool.name,
    pool.code.k,
    pool.code.m,
    pool.domain,
    pool.compress ? 1 : 0,
    pool.separateDisks ? 1 : 0,
    JSON.stringify(pool.nodes),
    JSON.stringify(pool.folders),
    Math.round(pool.createdAtMs),
    pool.keep?.versions ?? null,
    pool.keep?.ageMs ?? null,
    pool.keep?.bytes ?? null,
    stamp,
    segment,
  );
  return Number(changes);
}

export function poolOf(row: Row): PoolRecord {
  return {
    name: row.name as string,
    code: { k: row.k as number, m: row.m as number },
    domain: row.domain as Domain,
    compress: row.compress === 1,
    nodes: JSON.parse(row.nodes as string) as PoolRecord['nodes'],
    folders: JSON.parse(row.folders as string) as PoolFolder[],
    separateDisks: row.separate_disks === 1,
    createdAtMs: row.created_at_ms as number,
    ...keepOf(row),
  };
}

function keepOf(row: Row): Pick<PoolRecord, 'keep'> {
  const limits = [
    ['versions', row.keep_versions],
    ['ageMs', row.keep_age_ms],
    ['bytes', row.keep_bytes],
  ].filter(([, limit]) => typeof limit === 'number');
  return limits.length === 0 ? {} : { keep: Object.fromEntries(limits) as Retention };
}

export const NO_TOTALS: CatalogTotals = { objects: 0, versions: 0, logicalBytes: 0, storedBytes: 0 };

function totalsOf(row: Row): CatalogTotals {
  return {
    objects: row.objects as number,
    versions: row.versions as number,
    logicalBytes: row.logical_bytes as number,
    storedBytes: row.stored_bytes as number,
  };
}

export function sumOf(a: CatalogTotals, b: CatalogTotals): CatalogTotals {
  return {
    objects: a.objects + b.objects,
    versions: a.versions + b.versions,
    logicalBytes: a.logicalBytes + b.logicalBytes,
    storedBytes: a.storedBytes + b.storedBytes,
  };
}

/** Of all pools together. */
export function readTotals(all: Read, owner: number | undefined): CatalogTotals {
  return [...readPoolTotals(all, owner).values()].reduce(sumOf, NO_TOTALS);
}

/** Pools that had entries once and have none now are left out. */
export function readPoolTotals(all: Read, owner: number | undefined): Map<string, CatalogTotals> {
  if (owner === undefined) return new Map();
  const rows = all('SELECT * FROM pool_totals WHERE owner = ? AND versions > 0', owner);
  return new Map(rows.map((row) => [row.pool as string, totalsOf(row)]));
}
