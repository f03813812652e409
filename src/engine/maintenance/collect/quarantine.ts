/**
 * What the holder keeps of marks: which shards an owner's node found to be of no object, in which of its epochs, since when. A file of JSON lines in
 * the data folder (docs/FORMATS.md "Quarantine"). Whatever is lost of it costs a later mark, never a shard: a mark alone deletes nothing.
 */
import { asDatameshError } from '../../../errors.ts';
import type { Clock } from '../../effects/clock.ts';
import type { Disk, DiskFile } from '../../effects/disk.ts';
import { isHexId, type OwnerId, type PeerId, type ShardId } from '../../types.ts';

/** Marks of all owners: 40 MiB of memory and 10 MiB of file at most. What finds no room is marked when the others are gone. */
export const MAX_MARKS = 131_072;
/** Of one owner, so that one who marks everything leaves room for others. */
export const MAX_MARKS_PER_OWNER = 32_768;
/** The file is written anew when it is twice as long as what it says, and this much more. */
const STALE_BYTES = 4 * 1024 * 1024;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const FORMAT = 'datamesh quarantine';
const VERSION = 1;

interface Mark {
  /** The owner's node that marked: the epochs of another are not comparable. */
  by: PeerId;
  /** The epoch in which it came into quarantine, and the last one that found it still dead. */
  first: number;
  last: number;
  /** By this machine's clock, which may be wrong: time only delays. */
  sinceMs: number;
}

/** `marked`: in quarantine since this epoch. `waits`: since an earlier one, and the delay is not over. `ripe`: it may be swept. `full`: no room. */
export const MARK_OUTCOMES = ['absent', 'marked', 'waits', 'ripe', 'named', 'full'] as const;
export type MarkOutcome = (typeof MARK_OUTCOMES)[number];

export interface QuarantineOptions {
  disk: Disk;
  clock: Pick<Clock, 'now'>;
  path: string;
  log(text: string): void;
  maxMarks?: number;
  maxMarksPerOwner?: number;
}

export class Quarantine {
  private readonly options: QuarantineOptions;
  private readonly owners = new Map<OwnerId, Map<ShardId, Mark>>();
  private total = 0;
  private file: DiskFile | undefined;
  private wholeBytes = 0;
  private position = 0;
  private writing: Promise<void> = Promise.resolve();

  private constructor(options: QuarantineOptions) {
    this.options = options;
  }

  static async open(options: QuarantineOptions): Promise<Quarantine> {
    const made = new Quarantine(options);
    const bytes = await options.disk.readFile(options.path, MAX_FILE_BYTES).catch(() => undefined);
    if (bytes !== undefined && !made.read(bytes)) {
      made.owners.clear();
      made.total = 0;
      options.log('the quarantine file makes no sense: what was marked is marked again');
    }
    return made;
  }

  get size(): number {
    return this.total;
  }

  /** The node `by` of the owner has found in `epoch` that nothing refers to these, all of which are here. Durable when it resolves. */
  async mark(
    owner: OwnerId,
    by: PeerId,
    epoch: number,
    delayMs: number,
    ids: readonly ShardId[],
  ): Promise<MarkOutcome[]> {
    const nowMs = this.options.clock.now();
    const fresh: ShardId[] = [];
    const outcomes = ids.map((id): MarkOutcome => {
      const known = this.owners.get(owner)?.get(id);
      if (known === undefined || known.by !== by || epoch < known.last) {
        if (known === undefined && this.isFull(owner)) return 'full';
        this.set(owner, id, { by, first: epoch, last: epoch, sinceMs: nowMs });
        fresh.push(id);
        return 'marked';
      }
      known.last = epoch;
      if (known.first === epoch) return 'marked';
      if (nowMs < known.sinceMs) {
        // The clock went back: the delay begins again, for otherwise it might last for years.
        known.sinceMs = nowMs;
        fresh.push(id);
      }
      return nowMs - known.sinceMs < delayMs ? 'waits' : 'ripe';
    });
    const first = this.owners.get(owner);
    // Grouped by first epoch: those whose delay begins again keep theirs.
    for (const [begun, of] of Map.groupBy(fresh, (id) => first!.get(id)!.first))
      await this.append({ owner, by, mark: begun, sinceMs: nowMs, ids: of });
    return outcomes;
  }

  /** What `mark` would say of each, without marking. */
  look(owner: OwnerId, by: PeerId, delayMs: number, id: ShardId): 'none' | 'waits' | 'ripe' {
    const known = this.owners.get(owner)?.get(id);
    if (known === undefined || known.by !== by) return 'none';
    const ageMs = this.options.clock.now() - known.sinceMs;
    return ageMs < delayMs || ageMs < 0 ? 'waits' : 'ripe';
  }

  /** Takes the shard out: it was put again, or an order names it. Durable when it resolves; in effect at once. */
  lift(owner: OwnerId, ids: readonly ShardId[]): Promise<void> {
    const marks = this.owners.get(owner);
    const lifted = marks === undefined ? [] : ids.filter((id) => marks.has(id));
    if (lifted.length === 0) return Promise.resolve();
    for (const id of lifted) this.drop(owner, id);
    return this.append({ owner, lift: lifted });
  }

  /**
   * Sweeps what is still in quarantine since an earlier epoch and was found dead again in this one, after the delay. `drop` is called in the turn in which
   * the mark is taken away, so that a put that comes after it finds the shard gone, and one that came before has lifted the mark.
   */
  async sweep(
    owner: OwnerId,
    by: PeerId,
    epoch: number,
    delayMs: number,
    ids: readonly ShardId[],
    drop: (id: ShardId) => Promise<boolean>,
  ): Promise<boolean[]> {
    const may = (id: ShardId) => {
      const mark = this.owners.get(owner)?.get(id);
      return (
        mark !== undefined &&
        mark.first < epoch &&
        mark.last === epoch &&
        this.look(owner, by, delayMs, id) === 'ripe'
      );
    };
    const chosen = ids.filter(may);
    // Durable first: a crash after it leaves an orphan to be marked again, not the mark of a shard that may come back.
    if (chosen.length > 0) await this.append({ owner, lift: chosen });
    return await Promise.all(
      ids.map((id) => {
        if (!may(id)) return false;
        this.drop(owner, id);
        return drop(id);
      }),
    );
  }

  async close(): Promise<void> {
    await this.writing.catch(() => {});
    await this.file?.close();
    this.file = undefined;
  }

  private isFull(owner: OwnerId): boolean {
    const { maxMarks = MAX_MARKS, maxMarksPerOwner = MAX_MARKS_PER_OWNER } = this.options;
    return this.total >= maxMarks || (this.owners.get(owner)?.size ?? 0) >= maxMarksPerOwner;
  }

  private set(owner: OwnerId, id: ShardId, mark: Mark): void {
    let marks = this.owners.get(owner);
    if (marks === undefined) this.owners.set(owner, (marks = new Map()));
    if (!marks.has(id)) this.total++;
    marks.set(id, mark);
  }

  private drop(owner: OwnerId, id: ShardId): void {
    const marks = this.owners.get(owner);
    if (marks?.delete(id) !== true) return;
    this.total--;
    if (marks.size === 0) this.owners.delete(owner);
  }

  /** One write after another. A failed one is the caller's failure, and the next begins a new file. */
  private append(line: object): Promise<void> {
    const work = this.writing.then(async () => {
      const { disk, path } = this.options;
      if (this.file === undefined || this.position > 2 * this.wholeBytes + STALE_BYTES) {
        await this.file?.close();
        this.file = undefined;
        // What is in memory holds already what the line says.
        const whole = Buffer.from(this.snapshot());
        await disk.writeFileAtomic(path, whole, 0o600);
        this.file = await disk.open(path, 'update', 0o600);
        this.position = whole.length;
        this.wholeBytes = whole.length;
      }
      const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
      try {
        await this.file.write([bytes], this.position);
        await this.file.datasync();
      } catch (error) {
        await this.file.close().catch(() => {});
        this.file = undefined;
        throw error;
      }
      this.position += bytes.length;
    });
    this.writing = work.catch((error: unknown) =>
      this.options.log(`quarantine: ${asDatameshError(error).message}`),
    );
    return work;
  }

  private snapshot(): string {
    const lines = [JSON.stringify({ format: FORMAT, version: VERSION })];
    for (const [owner, marks] of this.owners) {
      const alike = Map.groupBy(marks, ([, { by, first, sinceMs }]) => `${by} ${first} ${sinceMs}`);
      for (const group of alike.values()) {
        const { by, first, sinceMs } = group[0]![1];
        lines.push(JSON.stringify({ owner, by, mark: first, sinceMs, ids: group.map(([id]) => id) }));
      }
    }
    return `${lines.join('\n')}\n`;
  }

  /** False when it is no such file. A last line cut short was never acted on. */
  private read(bytes: Uint8Array): boolean {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    const [head, ...lines] = text.slice(0, text.lastIndexOf('\n')).split('\n');
    try {
      const { format, version } = JSON.parse(head ?? '') as Record<string, unknown>;
      if (format !== FORMAT || version !== VERSION) return false;
      return lines.every((line) => this.apply(JSON.parse(line)));
    } catch {
      return false;
    }
  }

  private apply({ owner, by, mark, sinceMs, ids, lift }: Record<string, unknown>): boolean {
    const listed = mark === undefined ? lift : ids;
    const known = typeof owner === 'string' && isHexId(owner) && Array.isArray(listed);
    if (!known || !listed.every((id) => typeof id === 'string' && isHexId(id))) return false;
    if (mark === undefined) {
      for (const id of listed) this.drop(owner as OwnerId, id as ShardId);
      return true;
    }
    if (typeof by !== 'string' || !Number.isSafeInteger(mark) || typeof sinceMs !== 'number') return false;
    for (const id of listed) {
      if (this.isFull(owner as OwnerId)) break;
      const epoch = mark as number;
      this.set(owner as OwnerId, id as ShardId, { by: by as PeerId, first: epoch, last: epoch, sinceMs });
    }
    return true;
  }
}
