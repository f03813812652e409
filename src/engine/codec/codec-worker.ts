/** A worker thread of the codec's pool: does one order after another in the slots it is told. Messages: pool-messages.ts. */
import { parentPort } from 'node:worker_threads';
import { asDatameshError } from '../../errors.ts';
import { shardBytesOf } from './aead.ts';
import { Erasure } from './erasure.ts';
import { copyOf } from './memory.ts';
import { packChunk, unpackChunk } from './packing.ts';
import type {
  DecodeAnswer,
  DoneMessage,
  EncodeAnswer,
  EncodeOrder,
  Order,
  WorkMessage,
} from './pool-messages.ts';
import { idsOf, openStripe, sealStripe, wrongShards } from './stripe-work.ts';
import { Workspace } from './workspace.ts';

const erasure = new Erasure();
const slots = new Map<number, Workspace>();
const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread only');

// A job that cannot be read is one that nobody would answer: the thread ends, and another is given it.
port.on('messageerror', (error) => {
  throw error;
});
port.on('message', (message: WorkMessage) => {
  for (const slot of message.dropped) slots.delete(slot);
  if (message.memory !== undefined) slots.set(message.slot, Workspace.over(message.memory));
  const { job } = message;
  let done: DoneMessage;
  try {
    done = { job, answer: work(slots.get(message.slot)!, message.order) };
  } catch (error) {
    done = { job, error: asDatameshError(error).toRecord() };
  }
  port.postMessage(done, transferred(done));
});

function work(workspace: Workspace, order: Order): EncodeAnswer | DecodeAnswer | undefined {
  if (order.kind === 'encode') return encode(workspace, order);
  const { code, shardBytes } = order;
  if (order.kind === 'decode') {
    const wrong = wrongShards(workspace, order);
    if (wrong.length > 0) return { unpacked: undefined, wrong };
    const opened = openStripe(workspace, erasure, order);
    const { unpackedBytes } = order;
    return {
      wrong,
      unpacked: unpackedBytes === undefined ? undefined : ownCopy(unpackChunk(opened, unpackedBytes)),
    };
  }
  const { from, wanted } = order;
  erasure.rebuildInPlace(workspace, code, shardBytes, {
    from,
    fromAt: from.map((_, i) => i * shardBytes),
    wanted,
    wantedAt: wanted.map((_, i) => (code.k + i) * shardBytes),
  });
  return undefined;
}

function encode(workspace: Workspace, order: EncodeOrder): EncodeAnswer {
  const { code } = order;
  let plaintext: Uint8Array = workspace.view(0, order.plaintextBytes);
  if (order.pack) plaintext = packChunk(plaintext, code.k);
  const shardBytes = shardBytesOf(plaintext.length, code.k);
  sealStripe(workspace, erasure, { ...order, shardBytes }, plaintext);
  // Replicas are one shard; the others would be the same bytes.
  const count = code.k === 1 ? 1 : code.k + code.m;
  const shards = Array.from({ length: count }, (_, i) => workspace.view(i * shardBytes, shardBytes));
  return { ids: idsOf(shards), shardBytes };
}

/** A chunk that did not shrink lies in the slot, which the next stripe may overwrite. */
function ownCopy(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof ArrayBuffer ? bytes : copyOf(bytes);
}

/** An unpacked chunk that has its memory to itself moves. */
function transferred(done: DoneMessage): ArrayBuffer[] {
  if (done.answer === undefined || !('unpacked' in done.answer)) return [];
  if (done.answer.unpacked === undefined) return [];
  const { buffer, byteLength } = done.answer.unpacked;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
