/** What would be lost, and what happened, as the fake engine tells it: each object lies on the first peers, one shard on each. */
import type { Engine, EventView, ObjectView, PeerView } from '../../src/engine/engine.ts';
import { type NamedNode, nodesCalled } from '../../src/engine/mesh/peer-refs.ts';
import type { WhatifFigures, WhatifObject } from '../../src/engine/views/whatif.ts';
import { fakePeerId } from './fake-figures.ts';

interface Parts {
  enter(method: 'whatif' | 'events', signal?: AbortSignal): Promise<void>;
  peersNow(): PeerView[];
  objects(): ObjectView[];
  eventsNow(): EventView[];
  nowMs(): number;
}

export function fakeWatch({
  enter,
  peersNow,
  objects,
  eventsNow,
  nowMs,
}: Parts): Pick<Engine, 'whatif' | 'events'> {
  return {
    async events({ afterSeq = 0 } = {}) {
      await enter('events');
      return eventsNow().filter(({ seq }) => seq > afterSeq);
    },
    async whatif({ lose }, call) {
      await enter('whatif', call?.signal);
      const self: NamedNode = { peerId: fakePeerId(0), name: 'alder', zone: 'eu-1', rack: 'r1' };
      const nodes: NamedNode[] = [self, ...peersNow()];
      const gone = new Map(lose.flatMap((text) => nodesCalled(nodes, text)).map((it) => [it.peerId, it]));
      const [now, after] = [figures(), figures()];
      const changed: WhatifObject[] = [];
      let shardsExpected = 0;
      for (const { name, objectId, code, stripes } of objects()) {
        const holders = nodes.slice(0, code.k + code.m);
        const left = holders.filter(({ peerId }) => !gone.has(peerId)).length;
        const [was, then] = [stateOf(code.m, code.m), stateOf(left - code.k, code.m)];
        now[was]++;
        after[then]++;
        shardsExpected += holders.length * stripes;
        now.shardsLive += holders.length * stripes;
        after.shardsLive += left * stripes;
        now.stripes[bucketOf(code.m)] += stripes;
        after.stripes[bucketOf(left - code.k)] += stripes;
        if (left === holders.length) continue;
        changed.push({ name, objectId, now: was, after: then, spareNow: code.m, spareAfter: left - code.k });
      }
      return {
        takenAtMs: nowMs(),
        durationMs: 12,
        gone: [...gone.values()].map(({ peerId, name }) => ({ peerId, name, shards: objects().length })),
        objects: objects().length,
        shardsExpected,
        now,
        after,
        changed: changed.length,
        newlyLost: changed.filter((it) => it.after === 'lost').length,
        worst: changed,
        silentPeers: [],
      };
    },
  };
}

function figures(): WhatifFigures {
  const stripes = { lost: 0, spare0: 0, spare1: 0, spare2: 0, spare3plus: 0 };
  return { ok: 0, degraded: 0, critical: 0, lost: 0, stripes, shardsLive: 0 };
}

function stateOf(spare: number, m: number): WhatifObject['now'] {
  if (spare < 0) return 'lost';
  if (spare === 0) return 'critical';
  return spare < m ? 'degraded' : 'ok';
}

function bucketOf(spare: number): keyof WhatifFigures['stripes'] {
  if (spare < 0) return 'lost';
  return spare === 0 ? 'spare0' : spare === 1 ? 'spare1' : spare === 2 ? 'spare2' : 'spare3plus';
}
