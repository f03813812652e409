/**
 * Carries releases to all who hold shards of a released object, until each has dropped the owner's claims; and to those who stand by as custodians, as they may know
 * of holders that nobody else does.
 */
import { asDatameshError } from '../../../errors.ts';
import { isFolderId } from '../../backends/folder-marker.ts';
import type { ObjectId, PeerId } from '../../types.ts';
import type { Adoption } from './adoption.ts';
import { CUSTODIANS, firstMembers, STANDBY } from './custodians.ts';
import type { CustodyClient } from './custody-client.ts';
import type { CustodyManifests } from './custody-manifests.ts';
import type { CustodyPeers } from './custody-peers.ts';
import type { Claim, CustodyStore } from './custody-store.ts';
import type { Given } from './given.ts';
import { itemOf } from './handover.ts';

export interface CarrierContext {
  peers: CustodyPeers;
  store: CustodyStore;
  manifests: CustodyManifests;
  client: CustodyClient;
  adoption: Adoption;
  given: Pick<Given, 'of' | 'forget'>;
  /** `gone`: nobody remembers it; if it comes back all the same, its owner's sweep finds what it kept. */
  presence(peer: PeerId): 'here' | 'away' | 'gone';
  log(text: string): void;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Releases told of in one message: a holder deletes some shards for each. */
const BATCH = 32;

/** One holder to be told of one release. */
interface Telling {
  id: ObjectId;
  holder: PeerId;
  /** Its places, as far as they are noted. */
  has: string;
}

function claimsText(claims: readonly Claim[], of: PeerId): string {
  const places = claims
    .filter(({ holder }) => holder === of)
    .map(({ stripe, index }) => `${stripe}/${index}`);
  return places.sort().join(' ');
}

export class ReleaseCarrier {
  /** Holders that have dropped their shards, of releases not yet carried out, with what they were noted to have: a repair that still ran may give one more. */
  private readonly done = new Map<ObjectId, Map<PeerId, string>>();
  private readonly context: CarrierContext;

  constructor(context: CarrierContext) {
    this.context = context;
  }

  /** Which of these releases did not reach a holder that is here: they are to be tried again soon. */
  async carry(ids: readonly ObjectId[]): Promise<ObjectId[]> {
    const { store, given, manifests } = this.context;
    const failed: ObjectId[] = [];
    const byHolder = new Map<PeerId, Telling[]>();
    for (const id of ids) {
      for (const telling of this.untold(id)) {
        const { holder } = telling;
        if (this.isHere(holder)) byHolder.set(holder, [...(byHolder.get(holder) ?? []), telling]);
      }
    }
    await Promise.all([...byHolder].map(([holder, theirs]) => this.tell(holder, theirs)));
    for (const id of ids) {
      // Asked anew: while holders were told, a repair may have been heard of.
      const left = this.untold(id);
      if (left.length === 0) {
        store.settle(id);
        given.forget(id);
        manifests.forget(id);
        this.done.delete(id);
      } else if (left.some(({ holder }) => this.isHere(holder))) failed.push(id);
    }
    return failed;
  }

  /** Holders that have not dropped their shards of it, or were given one since. */
  private untold(id: ObjectId): Telling[] {
    const { store, manifests, peers, given, presence } = this.context;
    const noted = manifests.get(id)?.peers ?? [];
    const claims = store.claims(id);
    const claimed = claims.map(({ holder }) => holder);
    const near = firstMembers(id, peers.members(store.mark(id)?.owner), CUSTODIANS + STANDBY);
    // This node among them in any case: what it took from a repair whose word of it was lost nobody has noted.
    const all = [peers.self, ...noted, ...claimed, ...given.of(id), ...near.slice(CUSTODIANS)];
    return (
      [...new Set(all)]
        // Nobody is told for a folder but its node, which drops what the folder has with what it has itself.
        .filter((holder) => holder === peers.self || (!isFolderId(holder) && presence(holder) !== 'gone'))
        .map((holder) => ({ id, holder, has: claimsText(claims, holder) }))
        .filter((telling) => !this.isDone(telling))
    );
  }

  private isHere(holder: PeerId): boolean {
    return holder === this.context.peers.self || this.context.presence(holder) === 'here';
  }

  private isDone({ id, holder, has }: Telling): boolean {
    return this.done.get(id)?.get(holder) === has;
  }

  /** The holder was given a shard after it was told, or may have been. */
  again(id: ObjectId, holder: PeerId): void {
    this.done.get(id)?.delete(holder);
  }

  /** A holder came back: it is told again. */
  forgetPeer(peer: PeerId): void {
    for (const holders of this.done.values()) holders.delete(peer);
  }

  private async tell(holder: PeerId, tellings: readonly Telling[]): Promise<void> {
    const { store, client, adoption, peers, timeoutMs, signal, log } = this.context;
    for (let at = 0; at < tellings.length; at += BATCH) {
      const batch = tellings.slice(at, at + BATCH);
      const items = batch.flatMap(({ id }) => itemOf(store, { objectId: id }) ?? []);
      if (items.length < batch.length) continue;
      try {
        const answers =
          holder === peers.self
            ? await Promise.all(items.map((item) => adoption.drop(holder, item)))
            : await client.drop(holder, items, { timeoutMs, signal });
        for (const [i, answer] of answers.entries()) {
          if (answer === 'wants-manifest') continue;
          // What a holder refuses as malformed it will never drop: nothing is won by asking for ever.
          const { id, has } = batch[i]!;
          this.done.set(id, (this.done.get(id) ?? new Map()).set(holder, has));
        }
      } catch (error) {
        signal.throwIfAborted();
        log(`release: ${holder.slice(-8)} was not reached: ${asDatameshError(error).message}`);
        return;
      }
    }
  }
}
