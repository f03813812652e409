/** The audit of the owner's own objects, by the owner's node: it goes round her catalog, a few objects a minute, random shards of each. */
import type { Random } from '../effects/random.ts';
import { type Audit, type AuditTarget, createAudit } from '../maintenance/audit.ts';
import { type CensusGroup, sumGroupOf } from '../maintenance/census-ask.ts';
import { censusGroups } from '../maintenance/groups.ts';
import type { Node } from '../node.ts';
import type { Objects } from './objects.ts';
import { nameOf } from './put-object.ts';

const OBJECTS_PER_ROUND = 32;
const SHARDS_PER_OBJECT = 32;

export function auditOwn(node: Node, objects: Pick<Objects, 'current'>): Audit {
  let cursor: string | undefined;
  return createAudit({
    clock: node.clock,
    random: node.random,
    self: node.net.self,
    backend: node.backend,
    memory: node.proofs,
    async sample(signal) {
      if (node.owner === undefined) return [];
      const page = node.catalog.list(node.owner.ownerId, { limit: OBJECTS_PER_ROUND, cursor });
      cursor = page.cursor;
      const targets: AuditTarget[] = [];
      // An object with many names is looked at once.
      for (const objectId of new Set(page.objects.map((it) => it.objectId))) {
        for await (const { entry, manifest } of objects.current({ ref: objectId }, signal)) {
          if (manifest === undefined) continue;
          targets.push(...someShards(censusGroups(objectId, entry.manifestHolders, manifest), node.random));
        }
      }
      return targets;
    },
    onResult({ holder, id }, verdict) {
      if (verdict !== 'absent' && verdict !== 'wrong') return;
      const who = nameOf(node, holder) ?? holder.slice(-8);
      const what = verdict === 'wrong' ? 'gave a wrong proof of' : 'says it has, and cannot show,';
      node.events.add('warn', 'audit', `${who} ${what} shard ${id}`);
    },
    log: (text) => node.events.add('debug', 'audit', text),
  });
}

/** Some stripes of an object, and its manifest, each with the same chance; all of a small one. */
function someShards(groups: readonly CensusGroup[], random: Random): AuditTarget[] {
  const of = (group: CensusGroup) => {
    const { shards, shardBytes: lengthBytes } = group;
    const sums = sumGroupOf(group);
    return shards.map(({ id, holder }) => ({ id, holder, lengthBytes, group: sums }));
  };
  const all = groups.reduce((sum, { shards }) => sum + shards.length, 0);
  if (all <= SHARDS_PER_OBJECT) return groups.flatMap(of);
  const left = [...groups];
  const targets: AuditTarget[] = [];
  while (left.length > 0 && targets.length < SHARDS_PER_OBJECT) {
    const [group] = left.splice(Math.floor(random.fraction() * left.length), 1);
    targets.push(...of(group!));
  }
  return targets;
}
