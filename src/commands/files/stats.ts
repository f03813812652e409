import type { Command } from '../command.ts';
import { STATS_FIELDS } from './fields.ts';

export const statsCommand: Command = {
  path: ['stats'],
  group: 'files',
  summary: 'Show how much is stored, and how much this node holds',
  description: `Objects, versions and bytes are of all that is stored with your key: parts of backups are objects too (list shows them under .datamesh/
    only), and old or deleted versions that can come back count as versions and in the bytes. What is on this node it holds for anybody; shards asked of
    holders and found in the cache are counted since it started.`,
  args: [],
  options: [],
  examples: [
    { line: 'datamesh stats', note: 'objects, bytes and overhead' },
    { line: 'datamesh stats --json', note: 'the same as JSON' },
    { line: 'datamesh stats --columns objects,logicalBytes', note: 'two figures for a script' },
  ],
  effects: 'reads',
  fields: STATS_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'objects', title: 'Objects' },
    { key: 'versions', title: 'Versions' },
    { key: 'logicalBytes', title: 'Your data', format: 'bytes' },
    { key: 'storedBytes', title: 'Stored in the mesh', format: 'bytes' },
    { key: 'overhead', title: 'Overhead' },
    { key: 'localShards', title: 'Shards on this node' },
    { key: 'localUsedBytes', title: 'Used on this node', format: 'bytes' },
    { key: 'quotaBytes', title: 'Offered by this node', format: 'bytes' },
    { key: 'diskFreeBytes', title: 'Free on its disk', format: 'bytes' },
    { key: 'shardsAsked', title: 'Shards asked of holders' },
    { key: 'hedges', title: 'Extra, beside late ones' },
    { key: 'hedgesWon', title: 'Extra that were first' },
    { key: 'cacheHits', title: 'Shards found in the cache' },
    { key: 'cacheMisses', title: 'Shards not found there' },
    { key: 'cacheBytes', title: 'In the cache', format: 'bytes' },
    { key: 'catalogHead', title: 'Catalog in the mesh, number' },
    { key: 'catalogWrittenAtMs', title: 'Catalog written', format: 'time' },
    { key: 'catalogPending', title: 'Changes to be written' },
    { key: 'catalogHolders', title: 'Nodes with its head' },
  ],
  async run(context) {
    const engine = await context.engine();
    const { objects, versions, logicalBytes, storedBytes, overhead, local, reads, mirror } =
      await engine.stats();
    context.out.record({
      objects,
      versions,
      logicalBytes,
      storedBytes,
      overhead: overhead === undefined ? null : Number(overhead.toFixed(3)),
      localShards: local.shards,
      localUsedBytes: local.usedBytes,
      quotaBytes: local.quotaBytes,
      reserveBytes: local.reserveBytes,
      diskFreeBytes: local.diskFreeBytes,
      shardsAsked: reads.asked,
      hedges: reads.hedges,
      hedgesWon: reads.hedgesWon,
      cacheHits: reads.cacheHits,
      cacheMisses: reads.cacheMisses,
      cacheBytes: reads.cacheBytes,
      catalogHead: mirror?.sequence ?? null,
      catalogWrittenAtMs: mirror?.writtenAtMs ?? null,
      catalogPending: mirror?.pendingChanges ?? null,
      catalogSegments: mirror?.segments ?? null,
      catalogHolders: mirror?.headHolders ?? null,
      catalogProblem: mirror?.problem ?? null,
    });
  },
};
