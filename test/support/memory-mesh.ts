import type { Backend } from '../../src/engine/backends/backend.ts';
import { blake3 } from '../../src/engine/codec/hash.ts';
import { createCodec } from '../../src/engine/codec/local-codec.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { deriveOwner } from '../../src/engine/keys/owner.ts';
import { newPhrase } from '../../src/engine/keys/phrase.ts';
import { type Attester, attest, signAnswers } from '../../src/engine/maintenance/proof/attestation.ts';
import { CHUNK_BYTES } from '../../src/engine/maintenance/proof/chaining.ts';
import { Coefficients, sumKeyOf } from '../../src/engine/maintenance/proof/coefficients.ts';
import { sumOf } from '../../src/engine/maintenance/proof/sum.ts';
import { pointOf } from '../../src/engine/placement/xor.ts';
import type { GetContext } from '../../src/engine/transfer/get.ts';
import { createHedging } from '../../src/engine/transfer/hedging.ts';
import type { PutContext } from '../../src/engine/transfer/put.ts';
import type { Standing } from '../../src/engine/transfer/stripe-reader.ts';
import {
  bytesToHex,
  type CodeProfile,
  type OwnerId,
  type PeerId,
  type ShardId,
} from '../../src/engine/types.ts';
import { DatameshError } from '../../src/errors.ts';
import { attesterOf } from './attester.ts';

export type Fault =
  | 'dead'
  | 'lies'
  | 'full'
  | 'silent'
  | 'forgets'
  | 'cuts'
  /** Says that it has every shard, and proves what it has left. */
  | 'boasts'
  /** The same, and makes up proofs of what it has not. */
  | 'forges'
  /** The same, and has no time for proofs. */
  | 'refuses'
  /** Keeps all of each shard but its second chunk, and proves the rest. */
  | 'gap'
  /** The same, and gets what it lacks from others when it is to give the shard itself. */
  | 'gap-fetches'
  /** The same, and does not give the shard. */
  | 'gap-withholds'
  /** The same, and says that it does not know sums. */
  | 'gap-older';

/** What such a holder does not keep. */
const GAP = 1;

export interface MemoryNode {
  peer: PeerId;
  attester: Attester;
  shards: Map<ShardId, { bytes: Uint8Array; owner: OwnerId }>;
  fault: Fault | undefined;
  gets: number;
  puts: number;
  /** Shards that it was asked to prove. */
  proofs: number;
}

/** Nodes that hold shards in memory and fail on demand: put and get without a network. */
export class MemoryMesh {
  readonly nodes: MemoryNode[];
  readonly owner = deriveOwner(newPhrase(realRandom()), 'main');
  readonly log: string[] = [];
  /** Whose questions the backends ask. */
  asker = 'asker' as PeerId;
  /** What gets learnt of the nodes' speed. */
  readonly standings = new Map<PeerId, Standing>();
  readonly codec = createCodec();
  readonly hedging = createHedging({ lateAfterMs: () => 150, late: () => () => {} });
  private readonly random = realRandom();
  private readonly clock = realClock();

  constructor(count: number) {
    this.nodes = Array.from({ length: count }, (_, i) => {
      const attester = attesterOf(`node ${i}`);
      return {
        peer: attester.peerId,
        attester,
        shards: new Map(),
        fault: undefined,
        gets: 0,
        puts: 0,
        proofs: 0,
      };
    });
  }

  node(peer: PeerId): MemoryNode {
    return this.nodes.find((node) => node.peer === peer)!;
  }

  putContext(code: CodeProfile = { k: 4, m: 2 }): PutContext {
    return {
      codec: this.codec,
      clock: this.clock,
      random: this.random,
      owner: this.owner,
      code,
      domain: 'node',
      siteOf: (peer) => ({ peer }),
      candidates: () =>
        this.nodes
          .filter(({ fault }) => fault !== 'dead')
          .map(({ peer }) => ({ peer, point: pointOf(Buffer.from(peer)), freeBytes: 1e9 })),
      backend: (peer) => this.backend(peer),
      mayAsk: () => true,
      sending: () => {},
      log: (text) => this.log.push(text),
    };
  }

  getContext(): GetContext {
    return {
      codec: this.codec,
      owner: this.owner,
      routing: { findProviders: async () => [] },
      read: {
        clock: this.clock,
        hash: blake3,
        backend: (peer) => this.backend(peer),
        reachable: () =>
          this.nodes.map(({ peer }) => this.backend(peer)).filter((found) => found !== undefined),
        hedging: this.hedging,
        standing: (peer) => this.standings.get(peer) ?? { mayAsk: true, expectedMs: undefined },
        overtaken: (peer, expectedMs) => this.standings.set(peer, { mayAsk: true, expectedMs }),
        failed: (holder, error) => this.log.push(`${holder.slice(-8)} ${error.message}`),
      },
    };
  }

  shardCount(): number {
    return this.nodes.reduce((sum, node) => sum + node.shards.size, 0);
  }

  backend(peer: PeerId): Backend | undefined {
    const mesh = this;
    const node = this.nodes.find((one) => one.peer === peer);
    if (node === undefined || node.fault === 'dead') return undefined;
    return {
      id: peer,
      kind: 'peer',
      async put(id, bytes, owner) {
        node.puts++;
        if (node.fault === 'full') throw new DatameshError('quota-full', { what: 'the node is full' });
        if (node.fault === 'silent') await new Promise(() => {});
        if (bytesToHex(blake3(bytes)) !== id)
          throw new DatameshError('hash-mismatch', { what: 'wrong bytes' });
        if (node.fault !== 'forgets') node.shards.set(id, { bytes: Uint8Array.from(bytes), owner });
      },
      async get(id, call) {
        node.gets++;
        if (node.fault === 'silent') {
          await new Promise((_, reject) => {
            call.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
          });
        }
        const held = node.shards.get(id)?.bytes;
        if (held === undefined) return undefined;
        if (node.fault === 'cuts') return held.subarray(0, held.length - 128);
        if (node.fault === 'gap-withholds') throw new DatameshError('denied', { what: 'not now' });
        if (node.fault === 'gap' || node.fault === 'gap-older') return withGap(held);
        if (node.fault !== 'lies') return Uint8Array.from(held);
        const wrong = Uint8Array.from(held);
        wrong[wrong.length >> 1]! ^= 1;
        return wrong;
      },
      has: async (ids) =>
        ids.map(
          (id) =>
            node.shards.has(id) ||
            node.fault === 'boasts' ||
            node.fault === 'forges' ||
            node.fault === 'refuses',
        ),
      async prove(ids, nonce, call) {
        if (node.fault === 'refuses')
          throw new DatameshError('denied', { what: 'too many proofs are asked for at once' });
        node.proofs += ids.length;
        if (node.fault === 'silent') {
          await new Promise((_, reject) => {
            call.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
          });
        }
        const read = async (id: ShardId) => node.shards.get(id)?.bytes;
        const sumKey =
          call.seed === undefined || node.fault === 'gap-older' ? undefined : sumKeyOf(call.seed, mesh.asker);
        const honest = await attest(node.attester, peer, ids, nonce, read, { sumKey });
        if (node.fault?.startsWith('gap')) {
          // It keeps chaining values, so that it can prove every chunk that it has, and is never asked for the one that it has not: so it goes 1,023 of 1,024 times with a MiB.
          const answers = ids.map((id, at) => {
            const bytes = node.shards.get(id)?.bytes;
            const answer = honest.answers[at];
            if (bytes === undefined || answer === undefined) return undefined;
            if (sumKey === undefined) return answer;
            const sum = sumOf(withGap(bytes), new Coefficients(sumKey));
            return Buffer.concat([answer.subarray(0, answer.length - sum.length), sum]);
          });
          return signAnswers(node.attester, peer, ids, nonce, answers, sumKey);
        }
        if (node.fault !== 'forges') return honest;
        const answers = honest.answers.map((answer) => answer ?? new Uint8Array(1028));
        return signAnswers(node.attester, peer, ids, nonce, answers);
      },
      announce: async () => {},
      async delete(id, owner) {
        return node.shards.get(id)?.owner === owner && node.shards.delete(id);
      },
    };
  }
}

function withGap(bytes: Uint8Array): Uint8Array {
  const rest = Uint8Array.from(bytes);
  rest.fill(0, GAP * CHUNK_BYTES, (GAP + 1) * CHUNK_BYTES);
  return rest;
}

export async function* bytesOf(data: Uint8Array, pieceBytes = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += pieceBytes) yield data.subarray(at, at + pieceBytes);
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}
