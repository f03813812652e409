/** What a loss would do, before it happens; part of the Engine interface. */
import type { CallOptions } from '../engine.ts';
import type { ObjectId, PeerId } from '../types.ts';
import type { ObjectState, SpareHistogram } from './health.ts';

export interface WhatifQuery {
  /**
   * Who is thought away, at least one: a node by its id, name, or the unique beginning or end of its id; `zone:<label>`; `rack:<label>` or
   * `rack:<zone>/<label>`. An empty label means the nodes that name none.
   */
  lose: string[];
}

/** Of a census: as it is now, or as it would be. */
export type WhatifFigures = Record<ObjectState, number> & { stripes: SpareHistogram; shardsLive: number };

export interface WhatifObject {
  name: string;
  objectId: ObjectId;
  now: ObjectState;
  after: ObjectState;
  /** Of the weakest stripe; -1 when the manifest is gone. */
  spareNow: number;
  spareAfter: number;
}

export interface WhatifReport {
  takenAtMs: number;
  durationMs: number;
  /** Nodes that would be gone, with the living shards that are on them and on their folders. */
  gone: { peerId: PeerId; name: string | undefined; shards: number }[];
  objects: number;
  shardsExpected: number;
  now: WhatifFigures;
  after: WhatifFigures;
  /** Objects that the loss changes, and those of them that can be read now and could not be any more. */
  changed: number;
  newlyLost: number;
  /** At most 100 of those that the loss changes, the worst after it first. */
  worst: WhatifObject[];
  /** Holders that did not answer: what they have counts as missing, now and after. */
  silentPeers: PeerId[];
}

export interface WhatifCalls {
  /** Takes a census and counts it twice: as it is, and without some nodes. Nothing is changed. Throws `not-found`, `bad-value` (several are called so). */
  whatif(query: WhatifQuery, call?: CallOptions): Promise<WhatifReport>;
}
