/**
 * What the DHT is used for: pointers from an object to the nodes that hold its manifest, as provider records. Never
 * shards: a record is echoed back on every put, 4 MiB breaks it, and values expire unrepublished after 48 h.
 */
import { createHash } from 'node:crypto';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { type Clock, deadline } from '../effects/clock.ts';
import type { Random } from '../effects/random.ts';
import { hexToBytes, type ObjectId, type PeerId } from '../types.ts';
import type { Host } from './libp2p-host.ts';

/** Multicodec `raw` and multihash `sha2-256`. */
const RAW = 0x55;
const SHA_256 = 0x12;
const PROVIDE_TIMEOUT_MS = 10_000;
const FIND_TIMEOUT_MS = 5_000;
const MAX_PROVIDERS = 20;

/** A random walk: the nodes that answer on the way to a random point, or are named there, with their addresses. */
export async function* walkDht(
  host: Host,
  random: Random,
  signal: AbortSignal,
): AsyncGenerator<{ peer: PeerId; addresses: string[] }> {
  try {
    for await (const event of host.services.dht.getClosestPeers(random.bytes(32), { signal })) {
      if (event.name !== 'PEER_RESPONSE') continue;
      yield { peer: event.from.toString() as PeerId, addresses: [] };
      for (const { id, multiaddrs } of event.closer) {
        const peer = id.toString() as PeerId;
        yield {
          peer,
          addresses: multiaddrs.map(
            (address) => `${address.toString().replace(/\/p2p\/.*$/, '')}/p2p/${peer}`,
          ),
        };
      }
    }
  } catch {
    // out of time: what was met by then is the answer
  }
}

export interface ObjectRouting {
  /** Announces that this node holds the object's manifest. Returns to how many nodes the record was sent; the DHT acknowledges none. */
  provide(id: ObjectId): Promise<number>;
  /** Announces it no longer, of itself or when asked. Who has been sent the record has it until it expires, 48 h after. */
  withdraw(id: ObjectId): Promise<void>;
  /** Nodes that announced it, up to 20. */
  findProviders(id: ObjectId): Promise<PeerId[]>;
}

export function objectRouting(host: Host, clock: Clock): ObjectRouting {
  return {
    async provide(id) {
      let sent = 0;
      try {
        const events = host.services.dht.provide(cidOf(id), {
          signal: deadline(clock, PROVIDE_TIMEOUT_MS),
        });
        for await (const event of events) {
          if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') sent++;
        }
      } catch {
        // A record is a pointer that hints and the mesh itself can replace: what was sent is reported, no more.
      }
      return sent;
    },
    async withdraw(id) {
      try {
        await host.services.dht.cancelReprovide(cidOf(id));
      } catch {
        // the DHT is stopping, and takes its records with it
      }
    },
    async findProviders(id) {
      const found = new Set<PeerId>();
      try {
        const events = host.services.dht.findProviders(cidOf(id), {
          signal: deadline(clock, FIND_TIMEOUT_MS),
        });
        for await (const event of events) {
          if (event.name !== 'PROVIDER' && event.name !== 'PEER_RESPONSE') continue;
          for (const provider of event.providers) found.add(provider.id.toString() as PeerId);
          if (found.size >= MAX_PROVIDERS) break;
        }
      } catch {
        // a lookup that ran out of time: what was found by then is the answer
      }
      return [...found];
    },
  };
}

/**
 * The key of an object's provider records: the SHA-256 of its id. kad-dht's nodes read the key of a request, a bare multihash, as a
 * CID, which holds for this one hash function alone: with any other they reset the stream, and no record is ever stored.
 */
function cidOf(id: ObjectId): CID {
  return CID.createV1(RAW, Digest.create(SHA_256, createHash('sha256').update(hexToBytes(id)).digest()));
}
