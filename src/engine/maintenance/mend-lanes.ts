/**
 * Batches of objects that are looked at and mended together. Their questions share requests, so large ones do the most; but what loses its last spare meanwhile would wait until all
 * of a large one is mended. So there are two lanes side by side, a large one and a small one, each with the weakest that the other does not have. Why: docs/decisions/healing-measured.md.
 */
import type { ObjectId } from '../types.ts';
import type { DamageList } from './damage-list.ts';
import type { MendReport } from './mender-context.ts';
import type { SideBySide } from './side-by-side.ts';
import { slices } from './slices.ts';

export interface Lane {
  name: string;
  /** Looked at together. */
  objects: number;
  /** Only what has lost shards, as far as is known. */
  lossesOnly: boolean;
  /** Stripes rebuilt at once. A repair of a small object is two round trips and a sync: four at a time were five objects a second and node, with the processors idle. */
  atOnce: SideBySide;
}

const MIB = 1024 * 1024;
export const LANES: readonly Lane[] = [
  { name: 'repair', objects: 256, lossesOnly: false, atOnce: { count: 32, bytes: 16 * MIB } },
  { name: 'quick repair', objects: 64, lossesOnly: true, atOnce: { count: 16, bytes: 16 * MIB } },
];

/** Of a large batch, for what would else wait behind all known losses as long as there are more than can be mended. */
const LEFT_LYING_PART = 16;

export interface MendLanesOptions {
  suspects: DamageList;
  nowMs(): number;
  /** Whether it is to be looked at now; else it stands elsewhere in the list, or waits, or is off it. */
  triage(id: ObjectId): boolean;
  mend(ids: readonly ObjectId[], atOnce: SideBySide): Promise<MendReport>;
  mended(report: MendReport): void;
  stopped(): boolean;
  /** Lets others run. */
  pause(): Promise<void>;
}

export class MendLanes {
  private readonly inHand = new Set<ObjectId>();
  private readonly options: MendLanesOptions;

  constructor(options: MendLanesOptions) {
    this.options = options;
  }

  /** Batch after batch until nothing is due that the other lane does not have. */
  async run({ objects, lossesOnly, atOnce }: Lane): Promise<void> {
    const { suspects, nowMs, triage, mend, mended, stopped, pause } = this.options;
    const { inHand } = this;
    while (!stopped()) {
      const left = lossesOnly ? [] : suspects.leftLying(nowMs(), objects / LEFT_LYING_PART, inHand);
      // Of three objects of which a loss was told two are left to others.
      const due = [...left, ...suspects.due(nowMs(), 3 * objects, inHand, lossesOnly)];
      if (due.length === 0) return;
      const batch: ObjectId[] = [];
      const isOver = slices(nowMs);
      try {
        for (const id of due) {
          if (batch.length === objects) break;
          // The other lane may have taken it meanwhile.
          if (!inHand.has(id) && triage(id)) {
            batch.push(id);
            inHand.add(id);
          }
          if (isOver()) await pause();
        }
        if (batch.length > 0) mended(await mend(batch, atOnce));
      } finally {
        for (const id of batch) inHand.delete(id);
      }
      await pause();
    }
  }
}
