/** `whatif` on a running node: who is meant, and the census with and without them. */
import type { CallOptions } from '../engine.ts';
import { foresee } from '../maintenance/whatif.ts';
import { namesOf } from '../mesh/nicknames.ts';
import { type NamedNode, nodesCalled } from '../mesh/peer-refs.ts';
import type { Node } from '../node.ts';
import type { PeerId } from '../types.ts';
import type { WhatifQuery, WhatifReport } from '../views/whatif.ts';
import { censusOptions, type Objects } from './objects.ts';

export async function whatif(
  node: Node,
  objects: Pick<Objects, 'censusObjects'>,
  { lose }: WhatifQuery,
  { signal = new AbortController().signal, onProgress }: CallOptions = {},
): Promise<WhatifReport> {
  const known = [node.net.self, ...node.membership.members().map(({ peerId }) => peerId)].map(
    (peerId): NamedNode => {
      const site = node.siteOf(peerId);
      const names =
        peerId === node.net.self
          ? { name: node.options.name }
          : namesOf(node.options, peerId, node.membership.member(peerId)?.info?.name);
      return { peerId, ...names, zone: site?.zone, rack: site?.rack };
    },
  );
  const gone = new Map(lose.flatMap((text) => nodesCalled(known, text)).map((it) => [it.peerId, it]));
  // A folder of this node goes with it; those of others answer under their node's name.
  const nodeOf = (holder: PeerId) => (node.folders.backend(holder) === undefined ? holder : node.net.self);
  const { shardsAt, ...report } = await foresee(
    objects.censusObjects(signal),
    (holder) => gone.has(nodeOf(holder)),
    {
      ...censusOptions(node, signal),
      onProgress: (doneItems) => onProgress?.({ doneBytes: 0, totalBytes: undefined, doneItems }),
    },
  );
  const shardsOf = (peerId: PeerId) =>
    [...shardsAt].reduce((sum, [holder, count]) => (nodeOf(holder) === peerId ? sum + count : sum), 0);
  return {
    ...report,
    gone: [...gone.values()].map(({ peerId, name }) => ({ peerId, name, shards: shardsOf(peerId) })),
  };
}
