/**
 * What libp2p remembers while it runs: peers it has heard of, and provider records of the DHT. Strangers fill it, so each kind has a bound, and what was written longest
 * ago goes first. A peer is met again; without a pointer a reader asks the custodians. What this node says of itself, strangers cannot push out: its own entry among
 * the peers, without which it answers no identify, and its own pointers, which kad-dht announces again from here.
 */
import { NotFoundError, type PeerId } from '@libp2p/interface';
import { BaseDatastore } from 'datastore-core';
import { Key } from 'interface-datastore';
import { nextTurn } from '../effects/turn.ts';

type Query = Parameters<BaseDatastore['query']>[0];

export interface Bounds {
  ownRecord: number;
  ownPointers: number;
  peers: number;
  pointers: number;
  /** Values of the DHT and all else: datamesh puts none. */
  others: number;
}

const MIB = 1024 * 1024;
/** Bytes: some 48,000 pointers of its own and as many of others, 14,000 peers. */
const BOUNDS: Bounds = {
  ownRecord: MIB,
  ownPointers: 16 * MIB,
  peers: 8 * MIB,
  pointers: 16 * MIB,
  others: MIB,
};
const PEERS = '/peers/';
const POINTERS = '/dht/provider/';
/** A record with its name is some hundred bytes; what is larger is a stranger's, and not taken. */
const MAX_RECORD_BYTES = 64 * 1024;
/** Of an entry beside its name and value: its strings' heads and its places in two maps, measured. */
const ENTRY_BYTES = 220;

/** The DHT goes through all pointers once an hour; others get their turn in between. */
const IN_ONE_GO = 256;
/** Of its bound, what is left of a kind that reached it. */
const KEPT_SHARE = 15 / 16;

/** A character for each byte: of the few bytes of a pointer a string needs 32, an array of bytes of its own 240. */
type Value = string;

interface Kind {
  holds(name: string): boolean;
  maxBytes: number;
  /** By name, the one written longest ago first. */
  values: Map<string, Value>;
  bytes: number;
}

export class HostDatastore extends BaseDatastore {
  /** The first that holds a name has it. */
  readonly #kinds: readonly Kind[];
  /** Names of the pointers to one object, for whoever asks for those. */
  readonly #groups = new Map<string, readonly string[]>();

  constructor(self: PeerId, bounds: Bounds = BOUNDS) {
    super();
    const ownRecord = PEERS + self.toCID().toString();
    const ownEnd = `/${self.toString()}`;
    this.#kinds = [
      kind(bounds.ownRecord, (name) => name === ownRecord),
      kind(bounds.ownPointers, (name) => name.startsWith(POINTERS) && name.endsWith(ownEnd)),
      kind(bounds.peers, (name) => name.startsWith(PEERS)),
      kind(bounds.pointers, (name) => name.startsWith(POINTERS)),
      kind(bounds.others, () => true),
    ];
  }

  override put(key: Key, given: Uint8Array): Key {
    const name = key.toString();
    if (name.length + given.length > MAX_RECORD_BYTES) return key;
    const of = this.#kindOf(name);
    this.#remove(of, name);
    // The name instead of the key, as the bytes of a copy: both are a few bytes of a buffer of 64 KiB, all of which would be kept with them.
    const value = Buffer.from(given.buffer, given.byteOffset, given.length).toString('latin1');
    of.bytes += bytesOf(name, value);
    of.values.set(name, value);
    if (name.startsWith(POINTERS)) {
      const group = groupOf(name);
      this.#groups.set(group, (this.#groups.get(group) ?? []).concat(name));
    }
    if (of.bytes > of.maxBytes) this.#makeRoom(of);
    return key;
  }

  override get(key: Key): Uint8Array {
    const name = key.toString();
    const value = this.#kindOf(name).values.get(name);
    if (value === undefined) throw new NotFoundError(`there is no ${name}`);
    return bytesIn(value);
  }

  override has(key: Key): boolean {
    const name = key.toString();
    return this.#kindOf(name).values.has(name);
  }

  override delete(key: Key): void {
    const name = key.toString();
    this.#remove(this.#kindOf(name), name);
  }

  override async *_all({ prefix }: Query): AsyncGenerator<{ key: Key; value: Uint8Array }> {
    let looked = 0;
    for (const [name, value] of this.#under(prefix)) {
      yield { key: new Key(name), value: bytesIn(value) };
      if (++looked % IN_ONE_GO === 0) await nextTurn();
    }
  }

  override async *_allKeys({ prefix }: Pick<Query, 'prefix'>): AsyncGenerator<Key> {
    for (const [name] of this.#under(prefix)) yield new Key(name);
  }

  /** As they are now, whatever is written meanwhile. */
  #under(prefix = '/'): [string, Value][] {
    if (prefix.startsWith(POINTERS)) {
      const names = this.#groups.get(prefix) ?? [];
      return names.map((name) => [name, this.#kindOf(name).values.get(name)!]);
    }
    return this.#kinds.flatMap(({ values }) => [...values].filter(([name]) => name.startsWith(prefix)));
  }

  #kindOf(name: string): Kind {
    return this.#kinds.find(({ holds }) => holds(name))!;
  }

  /**
   * Many at a time: whoever looks for the oldest passes the places of all that went before. No iterator is kept for that, as one that stands still keeps every table that
   * its Map ever had, with what was in it.
   */
  #makeRoom(of: Kind): void {
    for (const oldest of of.values.keys()) {
      if (of.bytes <= of.maxBytes * KEPT_SHARE) break;
      this.#remove(of, oldest);
    }
  }

  #remove(of: Kind, name: string): void {
    const value = of.values.get(name);
    if (value === undefined) return;
    of.values.delete(name);
    of.bytes -= bytesOf(name, value);
    const group = groupOf(name);
    const left = this.#groups.get(group)?.filter((other) => other !== name);
    if (left === undefined) return;
    if (left.length > 0) this.#groups.set(group, left);
    else this.#groups.delete(group);
  }
}

function kind(maxBytes: number, holds: Kind['holds']): Kind {
  return { holds, maxBytes, values: new Map(), bytes: 0 };
}

function groupOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/'));
}

function bytesIn(value: Value): Uint8Array {
  const bytes = new Uint8Array(value.length);
  Buffer.from(bytes.buffer).write(value, 'latin1');
  return bytes;
}

function bytesOf(name: string, value: Value): number {
  return name.length + value.length + ENTRY_BYTES;
}
