/** Holders and askers of which one knows no sums: protocol version 2. */
import { expect, test } from 'vitest';
import { peerBackend } from '../../../../src/engine/backends/peer-backend.ts';
import { serveShards } from '../../../../src/engine/backends/shard-service.ts';
import { blake3 } from '../../../../src/engine/codec/hash.ts';
import type { Net } from '../../../../src/engine/effects/net.ts';
import { verdictsOf } from '../../../../src/engine/maintenance/proof/attestation.ts';
import { heldBack, spokenBy } from '../../../../src/engine/mesh/protocol-versions.ts';
import type { ShardStore } from '../../../../src/engine/shardstore/store.ts';
import { type PeerId, shardIdOf } from '../../../../src/engine/types.ts';
import { DatameshError } from '../../../../src/errors.ts';
import { attesterOf } from '../../../support/attester.ts';
import { manualClock } from '../../../support/manual-clock.ts';
import { MemoryNet } from '../../../support/memory-net.ts';

const bytes = new Uint8Array(5000).fill(7);
const id = shardIdOf(blake3(bytes));
const nonce = new Uint8Array(32).fill(1);
const seed = new Uint8Array(32).fill(2);
const holder = attesterOf('holder');

async function between(asker: number | undefined, served: number | undefined) {
  const net = new MemoryNet();
  const clock = manualClock();
  const store: Partial<ShardStore> = { has: () => true, get: async () => bytes };
  const serve = (newest: number | undefined) =>
    serveShards({
      net: heldBack(net.node(holder.peerId), spokenBy(newest)),
      store: store as ShardStore,
      ownersOf: () => new Set(),
      admitsOwner: () => true,
      attester: holder,
      clock,
      announce: () => {},
    });
  await serve(served);
  const ops: number[] = [];
  const plain = net.node('asker' as PeerId);
  const counting: Net = {
    ...plain,
    request(peer, protocol, message, options) {
      ops.push(message.header[0]!);
      return plain.request(peer, protocol, message, options);
    },
  };
  const backend = peerBackend(heldBack(counting, spokenBy(asker)), holder.peerId, clock);
  const prove = async () => {
    const attestation = await backend.prove([id], nonce, { timeoutMs: 1000, seed });
    expect(verdictsOf(attestation, holder.peerId, [id], nonce)).toEqual(['proved']);
    return attestation.sumKey !== undefined;
  };
  return { prove, ops, clock, serve };
}

test('two of the present version exchange sums', async () => {
  const { prove, ops } = await between(undefined, undefined);
  expect(await prove()).toBe(true);
  expect(ops).toEqual([10]);
});

test('an older holder proves without, is not asked in vain each time, and is asked again when it may have been updated', async () => {
  const { prove, ops, clock, serve } = await between(undefined, 2);
  expect(await prove()).toBe(false);
  expect(await prove()).toBe(false);
  expect(ops).toEqual([10, 7, 7]);
  await serve(undefined);
  expect(await prove()).toBe(false);
  clock.advance(600_000);
  expect(await prove()).toBe(true);
  expect(ops.slice(3)).toEqual([7, 10]);
});

test('an asker that is held back asks as it always did', async () => {
  const { prove, ops } = await between(2, undefined);
  expect(await prove()).toBe(false);
  expect(ops).toEqual([7]);
});

test('a holder that refuses sums for another reason is not taken for an older one', async () => {
  const net = new MemoryNet();
  const ops: number[] = [];
  const asker: Net = {
    ...net.node('asker' as PeerId),
    request: async (_peer, _protocol, { header }) => {
      ops.push(header[0]!);
      throw new DatameshError('peer-unreachable', { what: 'gone' });
    },
  };
  const backend = peerBackend(asker, holder.peerId, manualClock());
  await expect(backend.prove([id], nonce, { timeoutMs: 1000, seed })).rejects.toThrow(/gone/);
  expect(ops).toEqual([10]);
});
