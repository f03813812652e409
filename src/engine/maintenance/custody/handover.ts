/** Keeps orders with those who should have them: offers them when custodians come or go, and forgets those that others surely have. */
import { asDatameshError } from '../../../errors.ts';
import { decodeManifest } from '../../codec/manifest.ts';
import { bytesToHex, type ObjectId, type OwnerId, type PeerId } from '../../types.ts';
import { sideBySide } from '../side-by-side.ts';
import { type Duty, mayForget } from './custodians.ts';
import { type CustodyClient, MAX_OFFERED_MANIFEST_BYTES } from './custody-client.ts';
import { writtenTo } from './custody-manifests.ts';
import { type CustodyPeers, dutyFor } from './custody-peers.ts';
import type { OfferItem } from './custody-protocol.ts';
import { type CustodyMark, type CustodyStore, MANIFEST_GROUP } from './custody-store.ts';
import { IdSet } from './id-set.ts';
import { releasesFrom } from './tombstones.ts';

export interface HandoverContext {
  peers: CustodyPeers;
  store: CustodyStore;
  client: CustodyClient;
  hash(bytes: Uint8Array): Uint8Array;
  /** From those who are noted to have a copy, verified; undefined where none of them gives it. */
  manifestFromHolders(id: ObjectId, holders: readonly PeerId[]): Promise<Uint8Array | undefined>;
  /** Whether the peer came but a moment ago. */
  isNew(peer: PeerId): boolean;
  /** Releases came to be known. */
  released(ids: readonly ObjectId[]): void;
  /** Lets others run between two pages. */
  pause(): Promise<void>;
  log(text: string): void;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Orders looked at in one go: 10 ms of work. */
const PAGE = 256;
/** Manifests asked for side by side: those that no offer takes are what is missing most, of up to 16 MiB each, and twice that while they are checked. */
const FETCHES_AT_ONCE = { count: 2, bytes: Number.POSITIVE_INFINITY };
/** Orders read with their manifests to be offered to one peer, of up to half a MiB each. */
const OFFERED_TOGETHER = 32;

export interface HandoverReport {
  offered: number;
  forgotten: number;
}

export class Handover {
  /** Who was heard to have which order, since it last came or went. */
  private readonly confirmed = new Map<PeerId, IdSet>();
  private readonly context: HandoverContext;

  constructor(context: HandoverContext) {
    this.context = context;
  }

  /** It may have lost what it had. */
  forgetPeer(peer: PeerId): void {
    this.confirmed.delete(peer);
  }

  /** A newer order came: nobody is known to have it. */
  changed(ids: readonly ObjectId[]): void {
    for (const ids2 of this.confirmed.values()) for (const id of ids) ids2.delete(id);
  }

  /**
   * How many custodians come before this node: those that are only just here and may not have the order yet are not waited for. Undefined when this node is
   * none.
   */
  turnOf(id: ObjectId, { rank, others }: Duty): number | undefined {
    if (rank === undefined) return undefined;
    const { isNew } = this.context;
    return others.slice(0, rank).filter((peer) => !isNew(peer) || this.confirmed.get(peer)?.has(id)).length;
  }

  /**
   * One walk through all orders. `leaders`: only those of which this node leads, so that after a change of the mesh one node speaks and not three; the others' turn
   * comes with a whole pass.
   */
  async pass(who: 'leaders' | 'all'): Promise<HandoverReport> {
    const { store, signal, pause } = this.context;
    const report = { offered: 0, forgotten: 0 };
    let cursor: ObjectId | undefined;
    for (;;) {
      signal.throwIfAborted();
      const page = store.list(cursor, PAGE);
      if (page.length === 0) return report;
      cursor = page.at(-1)!.objectId;
      const far: { mark: CustodyMark; others: readonly PeerId[] }[] = [];
      const questions = new Map<PeerId, CustodyMark[]>();
      for (const mark of page) {
        const duty = dutyFor(this.context.peers, mark.objectId, mark.owner);
        if (!duty.standby) far.push({ mark, others: duty.others });
        if (who === 'leaders' && this.turnOf(mark.objectId, duty) !== 0) continue;
        for (const peer of duty.others) {
          if (this.confirmed.get(peer)?.has(mark.objectId)) continue;
          const wanted = questions.get(peer);
          if (wanted === undefined) questions.set(peer, [mark]);
          else wanted.push(mark);
        }
      }
      const offers = await Promise.all([...questions].map(([peer, marks]) => this.tell(peer, marks)));
      report.offered += offers.reduce((sum, count) => sum + count, 0);
      const gone = far.filter(({ mark }) => {
        // Holders may be known here alone, so a release is carried out before it is forgotten.
        if (isOpenRelease(store.mark(mark.objectId))) return false;
        const duty = dutyFor(this.context.peers, mark.objectId, mark.owner);
        const having = duty.others.filter((peer) => this.confirmed.get(peer)?.has(mark.objectId));
        return mayForget(duty, new Set(having));
      });
      store.forget(gone.map(({ mark }) => mark.objectId));
      report.forgotten += gone.length;
      await pause();
    }
  }

  /** Sees to it that the peer has these orders; how many had to be offered. */
  private async tell(peer: PeerId, marks: readonly CustodyMark[]): Promise<number> {
    const { client, store, log } = this.context;
    const call = { timeoutMs: this.context.timeoutMs, signal: this.context.signal };
    try {
      const known = await client.known(
        peer,
        marks.map(({ objectId }) => objectId),
        call,
      );
      const lacking: CustodyMark[] = [];
      const missed: ObjectId[] = [];
      for (const [at, mark] of marks.entries()) {
        const theirs = known[at]!;
        const settled = theirs.released || (theirs.sequence >= mark.sequence && mark.state === 'live');
        if (settled && (theirs.manifest || theirs.released || !mark.hasManifest))
          this.confirm(peer, mark.objectId);
        else lacking.push(mark);
        if (theirs.released && mark.state === 'live') missed.push(mark.objectId);
      }
      if (missed.length > 0)
        this.context.released(await releasesFrom(peer, missed, { ...call, client, store }));
      let offered = 0;
      for (let at = 0; at < lacking.length; at += OFFERED_TOGETHER)
        offered += await this.offer(peer, lacking.slice(at, at + OFFERED_TOGETHER));
      return offered;
    } catch (error) {
      this.context.signal.throwIfAborted();
      log(`custodian ${peer.slice(-8)}: ${asDatameshError(error).message}`);
      return 0;
    }
  }

  private async offer(peer: PeerId, marks: readonly CustodyMark[]): Promise<number> {
    const { client, store, peers, timeoutMs, signal } = this.context;
    const offers = marks.flatMap((mark) => {
      const item = itemOf(store, mark);
      return item === undefined ? [] : [{ mark, item }];
    });
    const answers = await client.offer(
      peer,
      offers.map(({ item }) => item),
      { timeoutMs, signal },
    );
    for (const [at, answer] of answers.entries()) {
      const { objectId, owner } = offers[at]!.mark;
      if (answer === 'kept' || answer === 'newer') this.confirm(peer, objectId);
      else if (answer === 'refused') peers.refused(peer, owner);
    }
    return offers.length;
  }

  private confirm(peer: PeerId, id: ObjectId): void {
    const ids = this.confirmed.get(peer) ?? new IdSet();
    this.confirmed.set(peer, ids);
    ids.add(id);
  }

  /** Asks for the manifests that live orders came without; resolves with the objects that have theirs now. */
  async fetchManifests(ids: readonly ObjectId[]): Promise<ObjectId[]> {
    const found: ObjectId[] = [];
    await sideBySide(
      ids,
      FETCHES_AT_ONCE,
      () => 0,
      async (id) => {
        if (await this.fetchManifest(id)) found.push(id);
      },
    );
    return found;
  }

  private async fetchManifest(id: ObjectId): Promise<boolean> {
    const { store, peers } = this.context;
    const mark = store.mark(id);
    if (mark === undefined || mark.state !== 'live') return false;
    if (mark.hasManifest) return true;
    const manifest = await this.manifestOf(id, dutyFor(peers, id, mark.owner).others);
    const record = store.get(id);
    if (manifest === undefined || record === undefined || record.state !== 'live') return false;
    if (ownerOf(manifest) !== record.owner) {
      store.forget([id]);
      return false;
    }
    const holders = writtenTo(manifest, record.owner);
    store.keep([{ order: record.order, bytes: record.bytes, manifest, holders }]);
    return true;
  }

  private async manifestOf(id: ObjectId, others: readonly PeerId[]): Promise<Uint8Array | undefined> {
    const { client, store, hash, timeoutMs, signal } = this.context;
    for (const peer of others) {
      try {
        const bytes = await client.manifest(peer, id, { timeoutMs, signal });
        if (bytes !== undefined && bytesToHex(hash(bytes)) === id) return Uint8Array.from(bytes);
      } catch {
        signal.throwIfAborted();
      }
    }
    const copies = store.claims(id).filter(({ stripe }) => stripe === MANIFEST_GROUP);
    return await this.context.manifestFromHolders(
      id,
      copies.map(({ holder }) => holder),
    );
  }
}

/** Undefined: it is no manifest at all, whatever its hash. */
function ownerOf(manifest: Uint8Array): OwnerId | undefined {
  try {
    return decodeManifest(manifest).ownerId;
  } catch {
    return undefined;
  }
}

/** A release that has not reached every holder yet. */
export function isOpenRelease(mark: CustodyMark | undefined): boolean {
  return mark?.state === 'released' && mark.hasManifest;
}

/** An order as it is offered, with all that is known of its object; a manifest that no offer takes is not read. Undefined when it has been forgotten meanwhile. */
export function itemOf(
  store: CustodyStore,
  { objectId }: Pick<CustodyMark, 'objectId'>,
): OfferItem | undefined {
  const record = store.get(objectId);
  if (record === undefined) return undefined;
  const manifest = record.manifestBytes > MAX_OFFERED_MANIFEST_BYTES ? undefined : store.manifest(objectId);
  return { order: record.bytes, manifest, claims: record.claims };
}
