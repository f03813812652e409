/**
 * Versions of what nodes say to each other. Every node tells the oldest and the newest that it speaks in its NodeInfo; two that have none in common part at the hello, and say why.
 * Within the versions in common an older node just lacks what came later: it refuses the operation, and the asker does without (docs/UPGRADE.md).
 *
 *   1  hello, gossip, bulk; shards one by one (operations 1–7 of /datamesh/shard/1); custody with offer … adopt (1–8)
 *   2  shards in batches (8, 9), custody unlease, released, held (9–11), /datamesh/collect/1, /datamesh/head/1
 *   3  proofs with sums (10 of /datamesh/shard/1)
 */
import { DatameshError } from '../../errors.ts';
import { encodeFailure } from '../backends/shard-protocol.ts';
import { type Net, type NetAnswer, NO_BYTES } from '../effects/net.ts';

export const PROTOCOL_VERSION = 3;
const OLDEST_PROTOCOL_VERSION = 1;

/** Oldest and newest. */
export type Spoken = readonly [oldest: number, newest: number];

/** What a node speaks that is held back to `newest`; undefined: not at all. */
export function spokenBy(newest: number | undefined): Spoken {
  return [OLDEST_PROTOCOL_VERSION, Math.min(newest ?? PROTOCOL_VERSION, PROTOCOL_VERSION)];
}

/** Nodes from before versions were told say nothing. */
export const UNTOLD: Spoken = [1, 1];

/** The version that two nodes speak with each other; undefined when there is none. */
export function commonVersion(a: Spoken, b: Spoken): number | undefined {
  const newest = Math.min(a[1], b[1]);
  return newest < Math.max(a[0], b[0]) ? undefined : newest;
}

/** For whoever is turned away: which of the two has to be updated. */
export function noCommonVersion(own: Spoken, theirs: Spoken): string {
  const older = theirs[1] < own[0] ? 'yours' : 'this one';
  return `no common protocol version: you speak ${range(theirs)}, this node ${range(own)}; update ${older}`;
}

function range([oldest, newest]: Spoken): string {
  return oldest === newest ? String(oldest) : `${oldest} to ${newest}`;
}

interface Since {
  protocol: number;
  /** By the number of the operation, the first byte of the header; the others are as old as the protocol. */
  operations?: Readonly<Record<number, number>>;
}

const SINCE: Readonly<Record<string, Since>> = {
  '/datamesh/shard/1': { protocol: 1, operations: { 8: 2, 9: 2, 10: 3 } },
  '/datamesh/custody/1': { protocol: 1, operations: { 9: 2, 10: 2, 11: 2 } },
  '/datamesh/collect/1': { protocol: 2 },
  '/datamesh/head/1': { protocol: 2 },
};

/** The version in which this came, of a protocol as a whole when no header is given. */
export function sinceVersion(protocol: string, header?: Uint8Array): number {
  const since = SINCE[protocol];
  return since?.operations?.[header?.[0] ?? 0] ?? since?.protocol ?? 1;
}

/** As every service answers an operation that it does not know. */
export function unknownOperation(): NetAnswer {
  const error = new DatameshError('malformed-data', { what: 'a request is malformed' });
  return { header: encodeFailure(error), body: NO_BYTES };
}

/**
 * `net` as a node of an older version has it: what came later is neither served nor asked. While a mesh is updated node by node a new node can be held back by this (`network.protocol`), so that it does
 * nothing that those around it cannot do.
 */
export function heldBack(net: Net, [, newest]: Spoken): Net {
  if (newest >= PROTOCOL_VERSION) return net;
  return {
    ...net,
    async handle(protocol, handler, options) {
      if (sinceVersion(protocol) > newest) return;
      await net.handle(
        protocol,
        (from, request) =>
          sinceVersion(protocol, request.header) > newest
            ? Promise.resolve(unknownOperation())
            : handler(from, request),
        options,
      );
    },
    request(peer, protocol, message, options) {
      if (sinceVersion(protocol) > newest) {
        const what = `this node is held back to protocol version ${newest}, which has no ${protocol}`;
        return Promise.reject(new DatameshError('peer-unreachable', { what }));
      }
      // As if the other side had said that it does not know it.
      if (sinceVersion(protocol, message.header) > newest) return Promise.resolve(unknownOperation());
      return net.request(peer, protocol, message, options);
    },
  };
}
