/**
 * Nodes of other minor versions side by side: an older one lacks the protocols and operations that came last, a newer one says and asks what the others have never
 * heard of. What is signed or stored is the same for all.
 */
import { decodeStatus, SHARD_PROTOCOL, type ShardStatus } from '../../src/engine/backends/shard-protocol.ts';
import { type NetMessage, NO_BYTES } from '../../src/engine/effects/net.ts';
import { COLLECT_PROTOCOL } from '../../src/engine/maintenance/collect/collect-protocol.ts';
import { CUSTODY_PROTOCOL } from '../../src/engine/maintenance/custody/custody-protocol.ts';
import { HELLO_PROTOCOL } from '../../src/engine/mesh/hello.ts';
import { type NodeInfo, signNodeInfo } from '../../src/engine/mesh/node-info.ts';
import { sinceVersion } from '../../src/engine/mesh/protocol-versions.ts';
import type { PeerId } from '../../src/engine/types.ts';
import type { Endpoint } from './endpoint.ts';
import { Violation } from './failure.ts';

export type Generation = 'older' | 'current' | 'newer';

/** Older nodes are of the oldest version: they lack all that came since (mesh/protocol-versions.ts says what). */
const OLDER = 1;

/** What a node of that generation does not know of a request. */
export function unknownTo(
  generation: Generation,
  protocol: string,
  header: Uint8Array,
): 'protocol' | 'operation' | undefined {
  if (generation !== 'older') return undefined;
  if (sinceVersion(protocol) > OLDER) return 'protocol';
  return sinceVersion(protocol, header) > OLDER ? 'operation' : undefined;
}

/** What a newer node sends has fields that others do not know, in hellos and in the NodeInfo that it signs. */
export class NewerSpeech {
  readonly #sign: (message: Uint8Array) => Uint8Array;
  #last: { from: string; to: Uint8Array } | undefined;

  constructor(sign: (message: Uint8Array) => Uint8Array) {
    this.#sign = sign;
  }

  info(bytes: Uint8Array): Uint8Array {
    const from = Buffer.from(bytes).toString('base64');
    if (this.#last?.from !== from) {
      const json = Buffer.from(bytes).subarray(2, 2 + Buffer.from(bytes).readUInt16BE(0));
      const info = JSON.parse(json.toString('utf8')) as NodeInfo;
      const more = { ...info, version: '99.0.0', region: 'eu', speaks: { shard: [1, 2] } };
      this.#last = { from, to: signNodeInfo(more, this.#sign) };
    }
    return this.#last.to;
  }

  message(protocol: string, message: NetMessage): NetMessage {
    if (protocol !== HELLO_PROTOCOL) return message;
    const hello = JSON.parse(Buffer.from(message.body).toString('utf8')) as { info: string };
    const info = hello.info === '' ? '' : this.info(Buffer.from(hello.info, 'base64'));
    const more = { ...hello, info: Buffer.from(info).toString('base64'), features: ['ranges', { since: 2 }] };
    return { header: message.header, body: Buffer.from(JSON.stringify(more)) };
  }
}

/** Operations and protocols that come one day. */
const QUESTIONS: readonly (readonly [string, Uint8Array])[] = [
  [SHARD_PROTOCOL, Uint8Array.of(200)],
  [SHARD_PROTOCOL, new Uint8Array(1 + 3 * 32).fill(2)],
  [CUSTODY_PROTOCOL, new Uint8Array(1 + 32).fill(200)],
  [COLLECT_PROTOCOL, Uint8Array.of(200)],
  ['/datamesh/shard/2', Uint8Array.of(1)],
];
const HONEST: ReadonlySet<ShardStatus> = new Set(['malformed', 'denied']);
const QUESTION_MS = 20_000;

/** Asks another node all of them. Whatever becomes of the wires: an answer says that it is not understood. */
export async function askOfTheFuture(from: Endpoint, to: PeerId): Promise<void> {
  for (const [protocol, header] of QUESTIONS) {
    let answer: NetMessage;
    try {
      answer = await from.request(
        to,
        protocol,
        { header, body: NO_BYTES },
        { timeoutMs: QUESTION_MS, signal: undefined },
      );
    } catch {
      continue; // no such protocol there, or no way to it
    }
    const { status } = decodeStatus(answer.header);
    if (!HONEST.has(status))
      throw new Violation(
        'the unknown is refused',
        `${to.slice(-8)} answers ${status} to what nobody knows yet of ${protocol}`,
      );
  }
}
