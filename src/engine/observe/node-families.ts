/** All families of a running node, read from what it counts anyway. */
import { VERSION } from '../../version.ts';
import type { HealthReport } from '../engine.ts';
import type { AuditFigures } from '../maintenance/audit.ts';
import type { MirrorView } from '../mirror/mirror.ts';
import { peersView, storeView } from '../node/shown.ts';
import type { Node } from '../node.ts';
import type { MetricFamily } from '../views/metrics.ts';
import { by, counter, gauge, histogram } from './families.ts';
import { type PeerLabels, peerFamilies } from './peer-families.ts';
import type { Sampler } from './sampler.ts';

export interface Measured {
  node: Node;
  sampler: Sampler;
  /** Of the owner's own objects; the custodian's part is the node's. */
  ownAudit: Readonly<AuditFigures>;
  mirror: MirrorView | undefined;
  labels: PeerLabels;
}

export function nodeFamilies({ node, sampler, ownAudit, mirror, labels }: Measured): MetricFamily[] {
  return [
    gauge('datamesh_node_info', 'Always 1; what runs here stands in the labels', [
      [
        {
          version: VERSION,
          name: node.options.name,
          role: node.options.role,
          network: node.options.network.name,
          peer: node.net.self,
        },
        1,
      ],
    ]),
    gauge(
      'datamesh_uptime_seconds',
      'Since this node started',
      (node.clock.monotonic() - node.startedMs) / 1000,
    ),
    ...storeFamilies(node),
    ...transferFamilies(node),
    ...peerFamilies(peersView(node, sampler), labels, node.traffic.total),
    ...wireFamilies(node),
    ...censusFamilies(sampler.health),
    ...careFamilies(node, ownAudit),
    ...catalogFamilies(node, mirror),
    counter('datamesh_events_total', 'Entries of the event log by level', by('level', node.events.counts)),
    gauge(
      'datamesh_jobs_running',
      'Jobs that run now',
      node.jobs.view().filter((it) => it.state === 'running').length,
    ),
  ];
}

function storeFamilies(node: Node): MetricFamily[] {
  const { shards, usedBytes, quotaBytes, diskFreeBytes, reserveBytes } = storeView(node);
  return [
    gauge('datamesh_store_shards', 'Shards on this node', shards),
    gauge('datamesh_store_used_bytes', 'Bytes of live records, which the quota bounds', usedBytes),
    gauge('datamesh_store_disk_bytes', 'Bytes of all segment files', node.store.usage().diskBytes),
    gauge('datamesh_store_quota_bytes', 'Bytes offered to the network', quotaBytes),
    gauge('datamesh_store_reserve_bytes', 'Bytes of the file system that puts leave free', reserveBytes),
    gauge('datamesh_disk_free_bytes', 'Free bytes of the file system of the data folder', diskFreeBytes),
    ...(node.syncs === undefined
      ? []
      : [
          histogram(
            'datamesh_fsync_duration_seconds',
            'How long fdatasync of the shard log and of other files took',
            node.syncs,
          ),
        ]),
  ];
}

function transferFamilies(node: Node): MetricFamily[] {
  const { puts, gets } = node.measures;
  const { asked, hedges, won } = node.hedging.counts;
  const { hits, misses, bytes } = node.shardCache;
  return [
    counter(
      'datamesh_puts_total',
      'Puts by how they ended, those of backups included',
      by('result', puts.ends),
    ),
    counter('datamesh_put_bytes_total', 'Bytes of plaintext stored by puts that ended well', puts.bytes),
    histogram('datamesh_put_duration_seconds', 'Of puts that ended well', puts.seconds),
    counter(
      'datamesh_gets_total',
      'Gets by how they ended, those of backups included',
      by('result', gets.ends),
    ),
    counter('datamesh_get_bytes_total', 'Bytes of verified plaintext handed out', gets.bytes),
    histogram('datamesh_get_duration_seconds', 'Of gets that were read to their end', gets.seconds),
    counter('datamesh_read_requests_total', 'Requests for shards that reads needed', asked),
    counter('datamesh_read_hedges_total', 'Further holders asked beside late ones', hedges),
    counter('datamesh_read_hedges_won_total', 'Those of them whose answer came first', won),
    counter('datamesh_read_cache_hits_total', 'Shards that small reads found in the cache', hits),
    counter('datamesh_read_cache_misses_total', 'Shards that they did not find there', misses),
    gauge('datamesh_read_cache_bytes', 'Bytes in the cache now', bytes),
  ];
}

function wireFamilies(node: Node): MetricFamily[] {
  const protocols = node.traffic.byProtocol();
  const { published, ...judged } = node.measures.gossip;
  return [
    counter('datamesh_sent_bytes_total', 'Bytes sent, encryption included', node.traffic.total.sentBytes),
    counter(
      'datamesh_received_bytes_total',
      'Bytes received, encryption included',
      node.traffic.total.receivedBytes,
    ),
    counter(
      'datamesh_protocol_sent_bytes_total',
      'Bytes sent on streams of each protocol that this node speaks',
      protocols.map((it) => [{ protocol: it.protocol }, it.sentBytes] as const),
    ),
    counter(
      'datamesh_protocol_received_bytes_total',
      'Bytes received on streams of each protocol',
      protocols.map((it) => [{ protocol: it.protocol }, it.receivedBytes] as const),
    ),
    counter('datamesh_gossip_published_total', 'Node infos given to gossip by this node', published),
    counter(
      'datamesh_gossip_messages_total',
      'Node infos that came by gossip, by verdict',
      by('verdict', judged),
    ),
  ];
}

/** Of the newest census of the owner's objects; no samples before the first has ended. */
function censusFamilies(report: HealthReport | undefined): MetricFamily[] {
  const stripes = report?.stripes;
  return [
    gauge(
      'datamesh_stripes',
      'Stripes of own objects by spare: live shards beyond the k that are needed; "lost" have fewer than k',
      stripes === undefined
        ? []
        : by('spare', {
            lost: stripes.lost,
            '0': stripes.spare0,
            '1': stripes.spare1,
            '2': stripes.spare2,
            '3+': stripes.spare3plus,
          }),
    ),
    gauge(
      'datamesh_objects',
      'Own objects by state at the newest census',
      report === undefined
        ? []
        : by('state', {
            ok: report.ok,
            degraded: report.degraded,
            critical: report.critical,
            lost: report.lost,
          }),
    ),
    gauge('datamesh_shards_expected', 'Shards that own objects should have', report?.shardsExpected),
    gauge('datamesh_shards_live', 'Those of them that holders say they have', report?.shardsLive),
    gauge(
      'datamesh_census_silent_peers',
      'Holders that did not answer the newest census',
      report?.silentPeers.length,
    ),
    gauge('datamesh_census_duration_seconds', 'How long the newest census took', seconds(report?.durationMs)),
    gauge(
      'datamesh_census_timestamp_seconds',
      'When the newest census was taken, Unix time',
      seconds(report?.takenAtMs),
    ),
  ];
}

function careFamilies(node: Node, ownAudit: Readonly<AuditFigures>): MetricFamily[] {
  const { objects, shards, trafficBytes } = node.measures.repairs;
  const { suspected, damaged } = node.custody.backlog();
  const { orders, released, manifestBytes } = node.custody.store.usage();
  const verdicts = ({ proved, gone, absent, wrong }: Readonly<AuditFigures>) => ({
    proved,
    gone,
    absent,
    wrong,
  });
  const custodian = node.custody.audit;
  return [
    gauge(
      'datamesh_repair_backlog_objects',
      'Objects in this node’s custody to be looked at, and those of them that a look has found damaged',
      by('state', { suspected, damaged }),
    ),
    counter('datamesh_repaired_objects_total', 'Objects that this node mended as a custodian', objects),
    counter('datamesh_repaired_shards_total', 'Shards that it made anew', shards),
    counter(
      'datamesh_repair_traffic_bytes_total',
      'Bytes of shards received and sent for that',
      trafficBytes,
    ),
    counter('datamesh_audit_challenges_total', 'Shards that holders were told to prove, by verdict', [
      ...by('verdict', verdicts(ownAudit)).map(([labels, n]) => [{ ...labels, of: 'own' }, n] as const),
      ...by('verdict', verdicts(custodian)).map(([labels, n]) => [{ ...labels, of: 'custody' }, n] as const),
    ]),
    counter(
      'datamesh_audit_silent_total',
      'Audits that a holder did not answer',
      ownAudit.silent + custodian.silent,
    ),
    gauge(
      'datamesh_custody_orders',
      'Objects of anybody in this node’s custody',
      by('state', { live: orders - released, released }),
    ),
    gauge('datamesh_custody_manifest_bytes', 'Bytes of their manifests', manifestBytes),
  ];
}

function catalogFamilies(node: Node, mirror: MirrorView | undefined): MetricFamily[] {
  const totals = node.owner === undefined ? undefined : node.catalog.totals(node.owner.ownerId);
  return [
    gauge('datamesh_catalog_objects', 'Names in the owner’s catalog', totals?.objects),
    gauge(
      'datamesh_catalog_versions',
      'Versions of them, deleted ones that can come back included',
      totals?.versions,
    ),
    gauge('datamesh_catalog_logical_bytes', 'Bytes of their plaintext', totals?.logicalBytes),
    gauge('datamesh_catalog_stored_bytes', 'Bytes of their shards and manifests', totals?.storedBytes),
    gauge(
      'datamesh_catalog_unmirrored_rows',
      'Changes of the catalog that the mesh does not have yet',
      mirror?.pendingChanges,
    ),
  ];
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
