/** Where shards really lie: the holders' answers, counted by what fails together, and held against each pool's rule. Pure but for the asking. */
import type { Entry, PoolRecord } from '../catalog/catalog.ts';
import type { Manifest } from '../codec/manifest.ts';
import { batches } from '../maintenance/batches.ts';
import {
  askHolders,
  type CensusGroup,
  type CensusOptions,
  type LiveShards,
  livingIn,
} from '../maintenance/census-ask.ts';
import { censusGroups } from '../maintenance/groups.ts';
import { LEVELS, type Level, locate, type Site } from '../placement/domains.ts';
import { keepsRule } from '../placement/load.ts';
import type { PeerId } from '../types.ts';
import type { DistributionReport, DistributionRow } from '../views/pools.ts';

export interface PlacedObject {
  entry: Entry;
  /** Manifest first, then stripes; undefined when the manifest could not be read. */
  groups: readonly CensusGroup[] | undefined;
  /** Bytes of a shard of each group. */
  shardBytes(group: number): number;
}

export interface DistributionContext extends CensusOptions {
  poolOf(name: string | undefined): PoolRecord;
  siteOf(pool: PoolRecord, holder: PeerId): Site | undefined;
  nameOf(holder: PeerId): string | undefined;
}

/** An object of the catalog with its manifest, undefined when no holder gave it. */
export function placedObject(entry: Entry, manifest: Manifest | undefined): PlacedObject {
  if (manifest === undefined) return { entry, groups: undefined, shardBytes: () => 0 };
  const groups = censusGroups(entry.objectId, entry.manifestHolders, manifest);
  // storedBytes counts what holders acknowledged, and the manifest notes the same holders: what the stripes leave is the manifest's copies.
  let ofStripes = 0;
  for (const [at, { shards }] of groups.entries()) {
    if (at > 0) ofStripes += shards.length * manifest.shardBytes(at - 1);
  }
  const copies = Math.max(1, entry.manifestHolders.length);
  const manifestBytes = Math.max(0, Math.round((entry.storedBytes - ofStripes) / copies));
  return { entry, groups, shardBytes: (at) => (at === 0 ? manifestBytes : manifest.shardBytes(at - 1)) };
}

/** Objects asked for at a time: memory does not grow with the catalog. */
const BATCH_OBJECTS = 64;
const BROKEN_LISTED = 100;

export async function takeDistribution(
  objects: AsyncIterable<PlacedObject>,
  context: DistributionContext,
): Promise<DistributionReport> {
  const report: DistributionReport = {
    takenAtMs: context.clock.now(),
    objects: 0,
    shards: 0,
    bytes: 0,
    shardsUnknown: 0,
    silent: [],
    rows: [],
    stripesBroken: 0,
    broken: [],
    objectsUnreadable: 0,
    unreadable: [],
  };
  const rows = new Map<string, DistributionRow>();
  const silent = new Set<PeerId>();
  for await (const batch of batches(objects, BATCH_OBJECTS, ({ groups }) => groups?.length ?? 0)) {
    const asked = batch.map(({ entry, groups }) => ({ name: entry.name, objectId: entry.objectId, groups }));
    const live = await askHolders(asked, context, silent);
    for (const object of batch) count(object, live, silent, context, report, rows);
  }
  report.silent = [...silent];
  report.rows = [...rows.values()]
    .map((row) => ({ ...row, share: report.shards === 0 ? 0 : row.shards / report.shards }))
    .sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) || b.shards - a.shards);
  return report;
}

function count(
  { entry, groups, shardBytes }: PlacedObject,
  live: LiveShards,
  silent: ReadonlySet<PeerId>,
  context: DistributionContext,
  report: DistributionReport,
  rows: Map<string, DistributionRow>,
): void {
  report.objects++;
  if (groups === undefined) {
    report.objectsUnreadable++;
    if (report.unreadable.length < BROKEN_LISTED) report.unreadable.push(entry.name);
    return;
  }
  const pool = context.poolOf(entry.pool);
  const siteOf = (holder: PeerId) => context.siteOf(pool, holder);
  for (const [at, group] of groups.entries()) {
    const { code } = group;
    const bytes = shardBytes(at);
    const holders: PeerId[] = [];
    report.shardsUnknown += group.shards.filter(({ holder }) => silent.has(holder)).length;
    for (const { holder } of livingIn(group, live)) {
      holders.push(holder);
      report.shards++;
      report.bytes += bytes;
      for (const level of LEVELS) addTo(rows, level, siteOf(holder) ?? { peer: holder }, bytes, context);
    }
    // The object keeps the code it was put with; a pool that has changed since asks its new domain of it.
    const policy = { code, domain: pool.domain, allowDegraded: false };
    if (keepsRule(policy, holders, siteOf)) continue;
    report.stripesBroken++;
    if (report.broken.length === BROKEN_LISTED) continue;
    const { name, objectId } = entry;
    const stripe = at === 0 ? undefined : at - 1;
    report.broken.push({ name, objectId, stripe, pool: pool.name, domain: pool.domain });
  }
}

function addTo(
  rows: Map<string, DistributionRow>,
  level: Level,
  site: Site,
  bytes: number,
  context: DistributionContext,
): void {
  const key = `${level} ${locate(site)[level]}`;
  let row = rows.get(key);
  if (row === undefined) {
    row = { level, ...describe(level, site, context), shards: 0, bytes: 0, share: 0 };
    rows.set(key, row);
  }
  row.shards++;
  row.bytes += bytes;
}

function describe(level: Level, site: Site, context: DistributionContext) {
  const { peer, node = peer, zone = '', rack = '' } = site;
  switch (level) {
    case 'zone':
      return { id: zone.trim(), name: undefined };
    case 'rack':
      return { id: zone.trim() === '' ? rack.trim() : `${zone.trim()}/${rack.trim()}`, name: undefined };
    case 'node':
      return { id: node, name: context.nameOf(node) };
    case 'disk':
      return {
        id: site.node === undefined ? node : `${node} ${site.disk ?? ''}`.trim(),
        name: context.nameOf(peer),
      };
  }
}
