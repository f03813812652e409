/**
 * Keeps the owner's catalog in the mesh: soon after a change it writes the changes as a segment, takes smaller segments before it into it, and leaves a new head. What
 * another device of the owner wrote is merged first. Never in the way of a put: a timer starts it, and nothing waits for it but the end of the node.
 */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { NewEntry } from '../catalog/catalog.ts';
import type { Applied, MirrorBook, MirrorSegment } from '../catalog/mirror/book.ts';
import type { MirrorRecord } from '../catalog/mirror/records.ts';
import { openSegment, RECORDS_PER_PART, sealSegment } from '../catalog/mirror/segment.ts';
import { type Clock, deadline, type Timer } from '../effects/clock.ts';
import type { Random } from '../effects/random.ts';
import { nextTurn } from '../effects/turn.ts';
import { inTurn } from '../in-turn.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import type { ObjectId, PeerId } from '../types.ts';
import { absorbedBy, withinHead } from './absorbing.ts';
import { MAX_SEGMENTS, openHead, readHead, type SegmentRef, signHead } from './head.ts';
import {
  closestHolders,
  type FoundHead,
  findHead,
  HEAD_HOLDERS,
  type HeadsContext,
  leaveHead,
  MAX_ASKED,
} from './heads.ts';

export interface StoredSegment {
  objectId: ObjectId;
  holders: PeerId[];
  custody: NewEntry['custody'];
  /** The catalog knows of it, or never will: until then it is a put under way. */
  settled(): void;
}

/** Where segments rest: ordinary objects of the owner. */
export interface SegmentStore {
  store(source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredSegment>;
  /** Throws `shards-missing`. */
  read(segment: SegmentRef, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Their releases are with the custodians already; this makes it soon. */
  release(objects: readonly Pick<MirrorSegment, 'objectId' | 'holders'>[]): Promise<void>;
}

export interface MirrorContext {
  clock: Clock;
  /** The wall time where it may be believed. */
  believedMs(): number | undefined;
  random: Random;
  owner: OwnerKeys;
  book: MirrorBook;
  heads: HeadsContext;
  segments: SegmentStore;
  /** Nodes that can be asked, whether they store for this owner or not. */
  greeted(): PeerId[];
  /** Orders are to be told. */
  ordersWaiting(): void;
  log(level: 'info' | 'warn', text: string): void;
}

export interface MirrorView {
  /** Of the newest head; 0 before the first. */
  sequence: number;
  writtenAtMs: number | undefined;
  segments: number;
  /** Changes that no head tells of yet. */
  pendingChanges: number;
  /** Nodes that took the newest head when it was left last; undefined when it was not since the start. */
  headHolders: number | undefined;
  /** Why the last attempt failed. */
  problem: string | undefined;
}

export interface Followed extends Applied {
  found: FoundHead | undefined;
  /** All segments of the head, and the objects of those that could not be read now. */
  segments: number;
  missing: ObjectId[];
}

/** Changes of a moment make one segment; with the time it takes to write, within 5 s. */
const SETTLE_MS = 2_500;
/** How often other devices' heads are looked for, and failures tried again. */
const TURN_MS = 30_000;
/** At the end of a node; what is not written then is pending when it starts again. */
const CLOSE_MS = 3_000;
const WRITE_MS = 10 * 60_000;
/** More than a few heads name. */
const MAX_SAID = 8 * MAX_SEGMENTS;
export class Mirror {
  private readonly context: MirrorContext;
  private readonly stopper = new AbortController();
  private timer: Timer | undefined;
  private dueMs = Number.POSITIVE_INFINITY;
  private stopped = false;
  private headHolders: number | undefined;
  private writing = 0;
  private problem: string | undefined;
  /** Segments that only older heads name, and that were looked at. */
  private readonly beside = new Set<ObjectId>();
  /** What was said of segments and heads that cannot be read: they are tried again in every turn, and may stay so for good. */
  private readonly said = new Set<string>();
  /** Turns and recoveries, one after another. */
  private readonly oneByOne = inTurn();

  constructor(context: MirrorContext) {
    this.context = context;
  }

  /** `soonMs`: when the first look is taken, at a mesh that has to be met first. */
  start(soonMs = SETTLE_MS): void {
    this.arm(soonMs);
  }

  /** The catalog has changed. */
  changed(): void {
    this.arm(SETTLE_MS);
  }

  /** Nodes came or went: the head goes to those who should hold it now. */
  meshChanged(): void {
    this.headHolders = undefined;
    this.arm(2 * SETTLE_MS);
  }

  view(): MirrorView {
    const { book, owner } = this.context;
    const state = book.state(owner.ownerId);
    return {
      sequence: state.sequence,
      writtenAtMs: state.sequence === 0 ? undefined : state.writtenAtMs,
      segments: book.segments(owner.ownerId).length,
      pendingChanges: book.pending(owner.ownerId) + this.writing,
      headHolders: this.headHolders,
      problem: this.problem,
    };
  }

  /** Merges the newest head that anybody holds. Throws `not-authentic` for one that is older than what this device has seen. */
  follow(signal: AbortSignal): Promise<Followed> {
    return this.oneByOne(async () => {
      const { greeted, heads, owner } = this.context;
      const near = closestHolders(heads.peers, owner.ownerId, MAX_ASKED);
      const asked = [...new Set([...near, ...greeted()])].slice(0, MAX_ASKED);
      return await this.merge(await findHead(heads, owner.ownerId, asked, signal), signal);
    });
  }

  /** Writes what is pending now. */
  flush(signal: AbortSignal): Promise<void> {
    return this.oneByOne(() => this.turn(signal));
  }

  /** Ends it; what is pending is written if that takes no longer than a moment. */
  async close(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.timer?.cancel();
    const { book, clock, owner } = this.context;
    const late = deadline(clock, CLOSE_MS);
    late.addEventListener('abort', () => this.stopper.abort(), { once: true });
    if (book.pending(owner.ownerId) + this.writing > 0) await this.flush(late).catch(() => undefined);
    this.stopper.abort();
    await this.oneByOne(async () => {});
  }

  private arm(delayMs: number): void {
    const { clock } = this.context;
    const dueMs = clock.monotonic() + delayMs;
    if (this.stopped || dueMs >= this.dueMs) return;
    this.timer?.cancel();
    this.dueMs = dueMs;
    this.timer = clock.after(delayMs, () => {
      this.dueMs = Number.POSITIVE_INFINITY;
      const signal = AbortSignal.any([this.stopper.signal, deadline(clock, WRITE_MS)]);
      void this.flush(signal)
        .catch(() => undefined)
        .finally(() => this.arm(TURN_MS));
    });
  }

  private async turn(signal: AbortSignal): Promise<void> {
    const { book, heads, owner, log } = this.context;
    const { ownerId } = owner;
    try {
      // Of a process that died.
      await this.reclaim();
      const near = closestHolders(heads.peers, ownerId, HEAD_HOLDERS);
      // On this disk the catalog itself is.
      if (!near.some((peer) => peer !== heads.peers.self)) {
        this.problem = 'no other node stores for this owner';
        return;
      }
      const found = await findHead(heads, ownerId, near, signal);
      if (found !== undefined && found.head.sequence < book.state(ownerId).sequence) {
        this.headHolders = undefined;
      } else {
        await this.merge(found, signal);
      }
      if (book.pending(ownerId) > 0) await this.write(signal);
      else if (this.headHolders === undefined) await this.leave(signal);
      this.problem = undefined;
    } catch (error) {
      signal.throwIfAborted();
      const text = asDatameshError(error).message;
      if (this.problem !== text) log('warn', `the catalog is not mirrored: ${text}`);
      this.problem = text;
    } finally {
      this.writing = 0;
      await this.reclaim();
    }
  }

  /** A first segment may have taken hundreds of thousands of records. */
  private async reclaim(): Promise<void> {
    const { book, owner } = this.context;
    while (!book.reclaim(owner.ownerId, RECORDS_PER_PART)) await nextTurn();
  }

  private async merge(found: FoundHead | undefined, signal: AbortSignal): Promise<Followed> {
    const { book, owner, log } = this.context;
    const { ownerId } = owner;
    const followed: Followed = { found, segments: 0, missing: [], added: 0, changed: 0, conflicts: [] };
    const state = book.state(ownerId);
    const unread = book.segments(ownerId).some((segment) => segment.unread);
    if (found === undefined) return followed;
    if (found.head.sequence < state.sequence) {
      throw new DatameshError('not-authentic', {
        what: `the newest catalog head in the mesh is number ${found.head.sequence}, and this device has seen number ${state.sequence}`,
        why: 'who holds it is behind, or shows an old one on purpose',
        mend: 'nothing was taken from it; start nodes that are off, and try again',
      });
    }
    const known = state.head !== undefined && Buffer.compare(state.head, found.bytes) === 0;
    if (known && !unread) return { ...followed, segments: book.segments(ownerId).length };
    const refs = openHead(found.bytes, owner);
    const here = new Set(
      book
        .segments(ownerId)
        .filter((segment) => !segment.unread)
        .map(({ objectId }) => objectId),
    );
    for (const ref of refs) {
      if (!here.has(ref.objectId) && !(await this.mergeSegment(ref, followed, signal)))
        followed.missing.push(ref.objectId);
    }
    if (followed.missing.length > 0)
      await this.mergeOlder(found, [...here, ...refs.map(({ objectId }) => objectId)], followed, signal);
    const { sequence, writtenAtMs } = found.head;
    book.followed(
      ownerId,
      { sequence, writtenAtMs, bytes: found.bytes },
      refs.map(({ objectId }) => objectId),
    );
    this.headHolders = undefined;
    if (followed.added + followed.changed > 0)
      log(
        'info',
        `the mirrored catalog brought ${followed.added} entries and ${followed.changed} changes, ${followed.conflicts.length} conflicts`,
      );
    return { ...followed, segments: refs.length };
  }

  /**
   * What a head tells of in a segment that is gone may stand in a segment of another head: a device that did not know of it went on from an older one, and has released what
   * the newest names. Their records are told anew.
   */
  private async mergeOlder(
    { older }: FoundHead,
    known: readonly ObjectId[],
    followed: Followed,
    signal: AbortSignal,
  ): Promise<void> {
    const { owner } = this.context;
    for (const bytes of older) {
      let refs: SegmentRef[];
      try {
        refs = openHead(bytes, owner);
      } catch (error) {
        this.sayOnce(
          `head ${readHead(bytes).sequence}`,
          `an older head of the catalog cannot be read: ${asDatameshError(error).message}`,
        );
        continue;
      }
      for (const ref of refs) {
        if (known.includes(ref.objectId) || this.beside.has(ref.objectId)) continue;
        if (await this.mergeRecords(ref, 0, followed, signal)) this.beside.add(ref.objectId);
      }
    }
  }

  /** False when it could not be read now. */
  private async mergeSegment(ref: SegmentRef, followed: Followed, signal: AbortSignal): Promise<boolean> {
    const { book, owner } = this.context;
    const id = book.adopt(owner.ownerId, { ...ref, holders: [...ref.holders] });
    if (!(await this.mergeRecords(ref, id, followed, signal))) return false;
    book.applied(owner.ownerId, id);
    return true;
  }

  /** @param id of the segment in the book that tells of them; 0: none does */
  private async mergeRecords(
    ref: SegmentRef,
    id: number,
    followed: Followed,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { book, owner, segments } = this.context;
    try {
      for await (const records of openSegment(segments.read(ref, signal), owner)) {
        const { added, changed, conflicts } = book.apply(owner.ownerId, id, records, owner.name);
        followed.added += added;
        followed.changed += changed;
        followed.conflicts.push(...conflicts);
      }
    } catch (error) {
      signal.throwIfAborted();
      this.sayOnce(
        ref.objectId,
        `a segment of the mirrored catalog cannot be read, and is tried again: ${asDatameshError(error).message}`,
      );
      return false;
    }
    this.said.delete(ref.objectId);
    return true;
  }

  private sayOnce(about: string, text: string): void {
    if (this.said.has(about)) return;
    if (this.said.size >= MAX_SAID) this.said.clear();
    this.said.add(about);
    this.context.log('warn', text);
  }

  private async write(signal: AbortSignal): Promise<void> {
    const { book, clock, heads, owner, random, segments, log } = this.context;
    const { ownerId } = owner;
    const segment = book.begin(ownerId);
    const live = book.segments(ownerId);
    const absorbed = absorbedBy(live, book.pending(ownerId));
    const from = absorbed.map(({ id }) => id);
    let records = 0;
    const parts = (async function* (): AsyncGenerator<MirrorRecord[]> {
      for (;;) {
        const part = book.take(ownerId, segment, from, RECORDS_PER_PART);
        if (part.length === 0) return;
        records += part.length;
        yield part;
      }
    })();
    this.writing = book.pending(ownerId);
    const stored = await segments.store(sealSegment(parts, owner, random), signal);
    const { objectId, holders, custody } = stored;
    const sequence = book.state(ownerId).sequence + 1;
    const writtenAtMs = clock.now();
    const rest = withinHead(live.filter(({ id }) => !from.includes(id)));
    const dropped = live.length - from.length - rest.length;
    if (dropped > 0)
      log(
        'warn',
        `parts of the catalog that cannot be read, and for which a head has no room any more: ${dropped}`,
      );
    let gone: MirrorSegment[];
    try {
      const bytes = signHead(
        { network: heads.network, sequence, writtenAtMs },
        [...rest, { objectId, holders, records }],
        owner,
        random,
      );
      gone = book.publish(
        ownerId,
        { segment, objectId, holders, records, absorbed: from, custody },
        { sequence, writtenAtMs, bytes },
        this.context.believedMs(),
      );
    } finally {
      stored.settled();
    }
    this.context.ordersWaiting();
    await this.leave(signal);
    await segments.release(gone);
  }

  private async leave(signal: AbortSignal): Promise<void> {
    const { book, heads, owner } = this.context;
    const { head } = book.state(owner.ownerId);
    if (head === undefined) return;
    const left = await leaveHead(heads, readHead(head), head, signal);
    this.headHolders = left.holders;
    // Another device was faster: its head is merged in the next turn, which is soon.
    if (left.newer) this.arm(SETTLE_MS);
  }
}
