/** Sharing as callers of the engine see it. What a share gives away and what cannot be taken back: docs/SHARING.md. */
import type { CallOptions, GetResult, ObjectView } from '../engine.ts';
import type { ObjectId } from '../types.ts';

export interface ShareView {
  id: string;
  name: string;
  version: number;
  objectId: ObjectId;
  /** The reader's sharing key; undefined for a link that opens for whoever has it. */
  recipient: string | undefined;
  createdAtMs: number;
  untilMs: number | undefined;
  readOnce: boolean;
  revokedAtMs: number | undefined;
}

export interface ShareOptions {
  version?: number | undefined;
  /** A sharing key; a link for whoever has it when absent. */
  to?: string | undefined;
  untilMs?: number | undefined;
  readOnce?: boolean | undefined;
}

export interface NewShare {
  share: ShareView;
  /** Kept nowhere. */
  link: string;
}

export interface Revocation {
  /** The version under a new key; undefined where only the share was struck off. */
  object: ObjectView | undefined;
  /** Holders that could not be asked to let the old version go. */
  unreachable: number;
  /** Other entries of the catalog that still use the object of the share: with them the link still opens it. */
  otherUses: number;
  /** Links to the new version for those who keep theirs. */
  reissued: NewShare[];
}

export interface SharedObject extends GetResult {
  readOnce: boolean;
}

export interface ShareCalls {
  /** What others share with this node's owner by. Throws `no-owner-key`. */
  key(): Promise<string>;
  /** Of one version: later ones have keys of their own. Throws `not-found`, `bad-value`. */
  share(ref: string, options?: ShareOptions): Promise<NewShare>;
  /** Those made last first; 1000 at most. */
  list(): Promise<ShareView[]>;
  /** Strikes the share off; with `rekey` the object is stored anew under another key and the shared version purged. Throws `not-found`, `bad-value`. */
  revoke(id: string, options?: { rekey?: boolean | undefined }, call?: CallOptions): Promise<Revocation>;
  /** What a link leads to. Throws `bad-value`, `denied`, `not-found`. */
  open(link: string, call?: CallOptions): Promise<SharedObject>;
}
