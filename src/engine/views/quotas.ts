/** Limits of owners on this node as callers of the engine see them. */
import type { OwnerId } from '../types.ts';

export interface QuotaView {
  /** `all`: the limit of every owner without one of his own. */
  owner: OwnerId | 'all';
  /** Undefined: none but the node's own. */
  limitBytes: number | undefined;
  /** The limit is this owner's own, not the one for all. */
  own: boolean;
  /** Bytes of his shards on this node; undefined for `all`. */
  usedBytes: number | undefined;
}

export interface QuotaCalls {
  list(): Promise<QuotaView[]>;
  /** From then on; what is stored stays. Undefined takes the limit away. Throws `bad-value`. */
  set(owner: string, limitBytes: number | undefined): Promise<QuotaView[]>;
}
