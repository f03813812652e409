import { peerIdFromString } from '@libp2p/peer-id';
import { Key } from 'interface-datastore';
import { describe, expect, it } from 'vitest';
import { HostDatastore } from '../../../src/engine/mesh/host-datastore.ts';

const SELF = peerIdFromString('12D3KooWJ7aGMBPXUvcqbuGzKqbfKgqaSWB6JkbzxTqTPJDe5JPg');
const OWN_RECORD = new Key(`/peers/${SELF.toCID().toString()}`);
const SMALL = { ownRecord: 3_000, ownPointers: 4_000, peers: 4_000, pointers: 4_000, others: 1_000 };
const key = (name: string) => new Key(name);
const bytes = (text: string) => new TextEncoder().encode(text);

async function names(store: HostDatastore, prefix?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.query(prefix === undefined ? {} : { prefix })) found.push(key.toString());
  return found;
}

describe('what libp2p remembers', () => {
  it('is given back as it was put, replaced and deleted', async () => {
    const store = new HostDatastore(SELF);
    store.put(key('/peers/a'), bytes('one'));
    store.put(key('/peers/a'), bytes('two'));
    store.put(key('/dht/record/x'), bytes('three'));
    expect(store.get(key('/peers/a'))).toEqual(bytes('two'));
    expect(store.has(key('/peers/b'))).toBe(false);
    expect(() => store.get(key('/peers/b'))).toThrow(expect.objectContaining({ name: 'NotFoundError' }));
    expect(await names(store)).toEqual(['/peers/a', '/dht/record/x']);
    expect(await names(store, '/peers/')).toEqual(['/peers/a']);
    store.delete(key('/peers/a'));
    store.delete(key('/peers/never'));
    expect(await names(store)).toEqual(['/dht/record/x']);
    const batch = store.batch();
    batch.put(key('/peers/c'), bytes('c'));
    batch.delete(key('/dht/record/x'));
    await batch.commit();
    expect(await names(store)).toEqual(['/peers/c']);
  });

  it('tells the providers of one object from those of others, and all together', async () => {
    const store = new HostDatastore(SELF);
    for (const name of ['x/1', 'y/1', `x/${SELF}`, 'x/2'])
      store.put(key(`/dht/provider/${name}`), bytes('now'));
    store.put(key('/peers/x'), bytes('peer'));
    expect(await names(store, '/dht/provider/x')).toEqual(
      ['x/1', `x/${SELF}`, 'x/2'].map((name) => `/dht/provider/${name}`),
    );
    expect(await names(store, '/dht/provider/z')).toEqual([]);
    expect(await names(store, '/dht/provider')).toHaveLength(4);
    for (const name of ['x/1', `x/${SELF}`, 'x/2']) store.delete(key(`/dht/provider/${name}`));
    expect(await names(store, '/dht/provider/x')).toEqual([]);
    expect(await names(store, '/dht/provider')).toEqual(['/dht/provider/y/1']);
  });

  it('keeps no buffer that a value or a key was a part of', async () => {
    const store = new HostDatastore(SELF);
    const large = Buffer.alloc(65_536, 7);
    const given = key('/dht/provider/x/1');
    store.put(given, large.subarray(100, 106));
    large.fill(0);
    const kept = store.get(given);
    expect([...kept]).toEqual([7, 7, 7, 7, 7, 7]);
    expect(kept.buffer.byteLength).toBe(6);
    for await (const found of store.query({})) expect(found.key).not.toBe(given);
  });

  it('is bounded: of each kind the oldest goes first, and strangers push nothing of this node out', async () => {
    const store = new HostDatastore(SELF, SMALL);
    const ownPointer = key(`/dht/provider/mine/${SELF}`);
    store.put(OWN_RECORD, bytes('self'));
    store.put(ownPointer, bytes('now'));
    store.put(key('/peers/friend'), bytes('f'));
    for (let i = 0; i < 10_000; i++) store.put(key(`/dht/provider/${i}/stranger`), bytes('now'));
    const left = await names(store, '/dht/provider');
    expect(left.length).toBeLessThanOrEqual(20);
    expect(left.at(-1)).toBe('/dht/provider/9999/stranger');
    expect(store.has(key('/peers/friend'))).toBe(true);
    for (let i = 0; i < 10_000; i++) {
      store.put(key(`/peers/${i}`), bytes('p'));
      // Written again, it is the newest.
      if (i % 5 === 0) store.put(key('/peers/friend'), bytes('f'));
    }
    expect(store.has(key('/peers/friend'))).toBe(true);
    expect((await names(store, '/peers/')).length).toBeLessThan(20);
    expect(store.get(OWN_RECORD)).toEqual(bytes('self'));
    expect(store.has(ownPointer)).toBe(true);
  });

  it('takes nothing that is too large, and leaves what it had of it', () => {
    const store = new HostDatastore(SELF);
    store.put(key('/peers/friend'), bytes('f'));
    store.put(key('/peers/friend'), new Uint8Array(100_000));
    expect(store.get(key('/peers/friend'))).toEqual(bytes('f'));
  });

  it('is as fast when it is full and when many others are asked for', async () => {
    const store = new HostDatastore(SELF);
    const startMs = performance.now();
    for (let i = 0; i < 150_000; i++) store.put(key(`/dht/provider/${i}/peer`), bytes('now'));
    for (let i = 0; i < 1_000; i++)
      expect(await names(store, `/dht/provider/${149_000 + i}`)).toHaveLength(1);
    for (let i = 0; i < 1_000; i++) expect(await names(store, `/dht/provider/none-${i}`)).toHaveLength(0);
    // A look at each of the others, or at the places of those that went, took half a minute.
    expect(performance.now() - startMs).toBeLessThan(8_000);
  });
});
