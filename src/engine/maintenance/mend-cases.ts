/** Rebuilds and moves what is damaged of the objects whose leases this custodian has, worst first; what was placed has to be proved. */
import { asDatameshError } from '../../errors.ts';
import type { PeerId, ShardId } from '../types.ts';
import type { Case, MenderContext, MendReport } from './mender-context.ts';
import { repairGroup } from './repair.ts';
import { compareRisk, type Damage } from './repair-plan.ts';
import { sideBySide } from './side-by-side.ts';
import { noteWhereabouts, tellOthers } from './whereabouts.ts';

export async function mendCases(
  cases: readonly Case[],
  context: MenderContext,
  report: MendReport,
): Promise<void> {
  const { jobs, suspects, nowMs, signal, atOnce } = context;
  const work = cases
    .flatMap((one) => one.damages.map((damage) => ({ one, damage })))
    .sort((a, b) => compareRisk(a.damage, b.damage));
  const totalBytes = work.reduce(
    (sum, { damage }) => sum + damage.group.shardBytes * damage.missing.length,
    0,
  );
  const job = jobs.start(
    'repair',
    cases.length === 1 ? cases[0]!.object.objectId : `${cases.length} objects`,
    { unasked: true },
  );
  const failed = new Set<Case>(cases.filter(({ isLost }) => isLost));
  const before = report.shards;
  const totalItems = work.reduce(
    (sum, { damage }) => sum + damage.missing.length + damage.misplaced.length,
    0,
  );
  const placed: Placed[] = [];
  let doneBytes = 0;
  const mendOne = async ({ one, damage }: (typeof work)[number]): Promise<void> => {
    // Cancelled by hand: what is left is looked at again after a while.
    if (job.signal.aborted) {
      failed.add(one);
      return;
    }
    try {
      const result = await repairGroup(damage, one.repair!);
      report.trafficBytes += result.trafficBytes;
      report.shards += result.placed.length;
      doneBytes += damage.group.shardBytes * result.placed.filter(({ moved }) => !moved).length;
      jobs.progress(job, { doneBytes, totalBytes, doneItems: report.shards - before, totalItems });
      for (const { index, holder } of result.placed) {
        noteLive(damage, index, holder);
        const { ids, shardBytes } = damage.group;
        placed.push({ one, holder, id: ids[index]!, lengthBytes: shardBytes });
      }
      if (result.unplaced.length > 0) failed.add(one);
    } catch (error) {
      signal.throwIfAborted();
      failed.add(one);
      context.log(`repair of ${one.object.objectId.slice(0, 12)}: ${asDatameshError(error).message}`);
    }
  };
  try {
    await sideBySide(work, atOnce, ({ damage }) => bytesFor(damage), mendOne);
    for (const one of await unproved(placed, context)) failed.add(one);
    jobs.end(job, job.signal.aborted ? 'cancelled' : 'done');
  } catch (error) {
    jobs.fail(job, error);
    throw error;
  } finally {
    for (const one of cases) {
      if (failed.has(one)) suspects.futile(one.object.objectId, nowMs());
      else {
        suspects.whole(one.object.objectId);
        report.repaired++;
      }
    }
    const moves = noteWhereabouts(cases, context);
    if (!signal.aborted) await tellOthers(moves, context);
  }
}

/** What a repair holds: the shards it reads and those it makes. */
function bytesFor({ group: { code, shardBytes }, missing }: Damage): number {
  return (code.k + missing.length) * shardBytes;
}

interface Placed {
  one: Case;
  holder: PeerId;
  id: ShardId;
  lengthBytes: number;
}

/** Objects of which a holder cannot show what it has just taken: they are to be looked at again. This node's own store has hashed what it took. */
async function unproved(placed: readonly Placed[], context: MenderContext): Promise<Set<Case>> {
  const { peers, prove, memory, signal, log } = context;
  const failed = new Set<Case>();
  const byHolder = Map.groupBy(
    placed.filter(({ holder }) => holder !== peers.self),
    ({ holder }) => holder,
  );
  await Promise.all(
    [...byHolder].map(async ([holder, theirs]) => {
      try {
        const proved = await prove(holder, theirs);
        for (const { one, id } of theirs) if (!proved.has(id)) failed.add(one);
      } catch (error) {
        signal.throwIfAborted();
        // Busy, gone, or a liar that is to be given the shard again last of all: the next census asks for the proof.
        for (const { id } of theirs) memory.unshown(holder, id);
        log(`proof: ${holder.slice(-8)}: ${asDatameshError(error).message}`);
      }
    }),
  );
  return failed;
}

function noteLive(damage: Damage, index: number, holder: PeerId): void {
  (damage.group.live as PeerId[][])[index] = [holder, ...damage.group.live[index]!];
}
