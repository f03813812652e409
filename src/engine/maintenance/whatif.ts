/** A census counted twice: as it is, and as it would be without some holders. What it says is what the census after such a loss would say. */
import type { PeerId } from '../types.ts';
import type { WhatifObject, WhatifReport } from '../views/whatif.ts';
import { censusBatches, countObject, emptyReport, stateOf } from './census.ts';
import {
  askHolders,
  askWithout,
  type CensusObject,
  type CensusOptions,
  type LiveShards,
  livingIn,
} from './census-ask.ts';

const WORST_LISTED = 100;

export type Foreseen = Omit<WhatifReport, 'gone'> & {
  /** Living shards at each holder that would be gone. */
  shardsAt: ReadonlyMap<PeerId, number>;
};

export async function foresee(
  objects: AsyncIterable<CensusObject>,
  isGone: (holder: PeerId) => boolean,
  options: CensusOptions,
): Promise<Foreseen> {
  const startedMs = options.clock.monotonic();
  const tally = new WhatifTally(isGone, options);
  const silent = new Set<PeerId>();
  for await (const batch of censusBatches(objects)) {
    const live = await askHolders(batch, options, silent);
    const rest = await askWithout(batch, live, isGone, options);
    for (const object of batch) tally.add(object, live, rest);
    options.onProgress?.(tally.objects);
  }
  return { ...tally.report(), durationMs: options.clock.monotonic() - startedMs, silentPeers: [...silent] };
}

/** The arithmetic alone: who lives now, who would live after. */
export class WhatifTally {
  private readonly now;
  private readonly after;
  private readonly isGone: (holder: PeerId) => boolean;
  private readonly shardsAt = new Map<PeerId, number>();
  private changed = 0;
  private newlyLost = 0;
  private worst: WhatifObject[] = [];

  constructor(isGone: (holder: PeerId) => boolean, options: Pick<CensusOptions, 'clock'>) {
    this.isGone = isGone;
    this.now = emptyReport(options);
    this.after = emptyReport(options);
  }

  get objects(): number {
    return this.now.objects;
  }

  add(object: CensusObject, live: LiveShards, rest: LiveShards): void {
    countObject(object, live, this.now);
    countObject(object, rest, this.after);
    for (const group of object.groups ?? []) {
      for (const { holder } of livingIn(group, live)) {
        if (this.isGone(holder)) this.shardsAt.set(holder, (this.shardsAt.get(holder) ?? 0) + 1);
      }
    }
    const before = stateOf(object.groups, live, live.isKept(object.objectId));
    const then = stateOf(object.groups, rest, rest.isKept(object.objectId));
    if (then.spare === before.spare && then.state === before.state) return;
    this.changed++;
    if (then.state === 'lost' && before.state !== 'lost') this.newlyLost++;
    const { name, objectId } = object;
    this.worst.push({
      name,
      objectId,
      now: before.state,
      after: then.state,
      spareNow: before.spare,
      spareAfter: then.spare,
    });
    if (this.worst.length > 4 * WORST_LISTED) this.worst = worstOf(this.worst);
  }

  report(): Foreseen {
    const { takenAtMs, objects, shardsExpected } = this.now;
    const figures = ({ ok, degraded, critical, lost, stripes, shardsLive }: typeof this.now) => ({
      ok,
      degraded,
      critical,
      lost,
      stripes,
      shardsLive,
    });
    return {
      takenAtMs,
      durationMs: 0,
      objects,
      shardsExpected,
      now: figures(this.now),
      after: figures(this.after),
      changed: this.changed,
      newlyLost: this.newlyLost,
      worst: worstOf(this.worst),
      silentPeers: [],
      shardsAt: this.shardsAt,
    };
  }
}

const RANK = { lost: 0, critical: 1, degraded: 2, ok: 3 } as const;

function worstOf(objects: readonly WhatifObject[]): WhatifObject[] {
  return [...objects]
    .sort(
      (a, b) => RANK[a.after] - RANK[b.after] || a.spareAfter - b.spareAfter || (a.name < b.name ? -1 : 1),
    )
    .slice(0, WORST_LISTED);
}
