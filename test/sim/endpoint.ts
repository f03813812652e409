/**
 * The Net of effects/net.ts of one process on the simulated wires. Streams are reliable as those of the real one: a message that is
 * lost is one whose connection hangs, so its sender waits for its deadline; one that arrives twice is one that was sent again
 * over a second stream. Bodies are copied as late as a wire would read them, so that memory given back too early shows.
 */
import type {
  ConnectionView,
  HandleOptions,
  Net,
  NetAnswer,
  NetMessage,
  RequestHandler,
  RequestOptions,
} from '../../src/engine/effects/net.ts';
import { MAX_BODY_BYTES, NO_BYTES } from '../../src/engine/effects/net.ts';
import type { Device } from '../../src/engine/keys/device.ts';
import type { Gossip, Verdict } from '../../src/engine/mesh/gossip.ts';
import { unknownOperation } from '../../src/engine/mesh/protocol-versions.ts';
import type { PeerId } from '../../src/engine/types.ts';
import { DatameshError, type ErrorCode } from '../../src/errors.ts';
import type { Fabric } from './fabric.ts';
import { type Generation, NewerSpeech, unknownTo } from './generations.ts';
import { EPOCH_MS, type Owner } from './timeline.ts';

interface Connection {
  /** Of all the dials that made it, oldest first: each side may know another one first. */
  ids: Set<number>;
  /** The process at the other end. */
  with: Endpoint;
  host: string;
  direction: 'inbound' | 'outbound';
  openedAtMs: number;
  pending: Set<(error: DatameshError) => void>;
}

/** What a dishonest node does to its own answers; undefined leaves them as they are. */
export type Tamper = (protocol: string, request: NetMessage) => NetMessage | undefined;

const PORT = 4001;
const ADDRESS = /^\/ip4\/([\d.]+)\/tcp\/\d+\/p2p\/(\w+)$/;
/** TCP and TLS hellos of a connection, roughly. */
const DIAL_BYTES = 2_000;
const HEAD_BYTES = 60;

export class Endpoint implements Net {
  readonly self: PeerId;
  readonly host: string;
  readonly owner: Owner;
  tamper: Tamper | undefined;
  /** Told what its requests and answers weigh. */
  weighs: ((peer: PeerId, direction: 'sent' | 'received', bytes: number) => void) | undefined;
  readonly #fabric: Fabric;
  readonly #handlers = new Map<string, { handler: RequestHandler; options: HandleOptions }>();
  readonly #connections = new Map<PeerId, Connection>();
  readonly #listeners = new Set<(event: 'connect' | 'disconnect', peer: PeerId) => void>();
  readonly #generation: Generation;
  readonly #newer: NewerSpeech | undefined;
  #judge: ((from: PeerId, bytes: Uint8Array) => Verdict) | undefined;

  constructor(
    fabric: Fabric,
    { peerId, sign }: Pick<Device, 'peerId' | 'sign'>,
    host: string,
    owner: Owner,
    generation: Generation,
  ) {
    this.#fabric = fabric;
    this.self = peerId;
    this.host = host;
    this.owner = owner;
    this.#generation = generation;
    this.#newer = generation === 'newer' ? new NewerSpeech(sign) : undefined;
    fabric.listen(host, this);
  }

  readonly gossip: Gossip = {
    publish: (bytes) => this.#fabric.spread(this, this.#newer?.info(bytes) ?? bytes),
    judge: (by) => {
      this.#judge = by;
    },
  };

  hears(from: PeerId, bytes: Uint8Array): Verdict {
    return this.#judge?.(from, bytes) ?? 'ignore';
  }

  handle = async (protocol: string, handler: RequestHandler, options: HandleOptions): Promise<void> => {
    this.#handlers.set(protocol, { handler, options });
  };

  hostOf(peer: PeerId): string | undefined {
    return this.#connections.get(peer)?.host;
  }

  request = (
    peer: PeerId,
    protocol: string,
    plain: NetMessage,
    options: RequestOptions,
  ): Promise<NetMessage> =>
    new Promise((resolve, reject) => {
      const message = this.#newer?.message(protocol, plain) ?? plain;
      const { timeoutMs, signal, into, maxBodyBytes = MAX_BODY_BYTES } = options;
      const connection = this.#connections.get(peer);
      if (signal?.aborted) return reject(failure('cancelled', 'cancelled'));
      if (connection === undefined) return reject(failure('peer-unreachable', `no connection to ${peer}`));
      if (unknownTo(this.#generation, protocol, message.header) !== undefined)
        return reject(failure('malformed-data', 'this version does not ask such a thing'));
      const sent = { bytes: undefined as NetMessage | undefined };
      const read = () => (sent.bytes ??= copyOf(message));
      let settled = false;
      const settle = () => {
        settled = true;
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        connection.pending.delete(fail);
      };
      const fail = (error: DatameshError) => {
        if (settled) return;
        // What is still under way left before the caller may use its memory again.
        read();
        settle();
        reject(error);
      };
      const onAbort = () => fail(failure('cancelled', 'cancelled'));
      const timer = this.#fabric.timeline.after(timeoutMs, this.owner, 'deadline', () =>
        fail(failure('timeout', `no answer within ${timeoutMs} ms`)),
      );
      signal?.addEventListener('abort', onAbort, { once: true });
      connection.pending.add(fail);
      const id = [...connection.ids].at(-1)!;
      const bytes = bytesOf(message);
      this.weighs?.(peer, 'sent', bytes);
      this.#fabric.send(
        this.host,
        connection.host,
        bytes,
        (echo) => {
          const remote = this.#fabric.at(connection.host).endpoint;
          if (remote === undefined || !remote.#knows(this.self, id)) {
            this.#fabric.send(connection.host, this.host, HEAD_BYTES, () => {
              if (this.owner.alive) this.#lose(peer, connection, [id]);
            });
            return;
          }
          remote.#serve(this.self, protocol, read(), echo, (answer) => {
            if (settled || echo || !this.owner.alive) return;
            if (answer === undefined) return fail(failure('peer-unreachable', 'the stream was closed'));
            if (answer.body.length > maxBodyBytes)
              return fail(failure('malformed-data', 'the answer is too long'));
            settle();
            this.weighs?.(peer, 'received', bytesOf(answer));
            const place = answer.body.length > 0 ? into?.(answer.body.length) : undefined;
            if (place === undefined) return resolve(answer);
            place.set(answer.body);
            resolve({ header: answer.header, body: place.subarray(0, answer.body.length) });
          });
        },
        { mayRepeat: true },
      );
    });

  #knows(peer: PeerId, id: number): boolean {
    return this.owner.alive && this.#connections.get(peer)?.ids.has(id) === true;
  }

  /** `reply` undefined: the stream was reset. */
  #serve(
    from: PeerId,
    protocol: string,
    sent: NetMessage,
    echo: boolean,
    reply: (answer: NetMessage | undefined) => void,
  ): void {
    const { trace } = this.#fabric;
    trace.bytes(sent.header);
    trace.bytes(sent.body);
    trace.remark(
      () =>
        `${from.slice(-4)} → ${this.owner.label} ${protocol} ${sent.header[0] ?? ''} +${sent.body.length}`,
    );
    this.weighs?.(from, 'received', bytesOf(sent));
    this.#fabric.onRequest?.(this, protocol, sent.header, echo);
    const toHost = this.#connections.get(from)!.host;
    const back = (answer: NetMessage | undefined, bytes: number) =>
      this.#fabric.send(this.host, toHost, bytes, () => reply(answer));
    const unknown = unknownTo(this.#generation, protocol, sent.header);
    const service = unknown === 'protocol' ? undefined : this.#handlers.get(protocol);
    if (service === undefined || sent.body.length > service.options.maxBodyBytes) {
      back(undefined, HEAD_BYTES);
      return;
    }
    const admitted = service.options.admits?.(from, sent.header, sent.body.length) ?? true;
    const request = { header: sent.header, body: admitted ? sent.body : NO_BYTES };
    const lie = unknown === undefined ? this.tamper?.(protocol, request) : unknownOperation();
    const work = lie === undefined ? service.handler(from, request) : Promise.resolve<NetAnswer>(lie);
    work.then(
      (plain) => {
        if (!this.owner.alive) return;
        const answer: NetAnswer = this.#newer?.message(protocol, plain) ?? plain;
        const leave = () => {
          const bytes = copyOf(answer);
          trace.bytes(bytes.header);
          trace.bytes(bytes.body);
          answer.sent?.();
          this.#fabric.onAnswer?.(this, protocol, request.header, bytes.header);
          this.weighs?.(from, 'sent', bytesOf(bytes));
          back(bytes, bytesOf(bytes));
        };
        // A body that is lent is read a moment later, as a socket would.
        if (answer.sent === undefined) leave();
        else this.#fabric.timeline.after(0.1, this.owner, 'leave', leave);
      },
      () => {
        if (this.owner.alive) back(undefined, HEAD_BYTES);
      },
    );
  }

  dial = (addresses: readonly string[], timeoutMs: number): Promise<PeerId> =>
    new Promise((resolve, reject) => {
      const [, host, wanted] = ADDRESS.exec(addresses[0] ?? '') ?? [];
      if (host === undefined || wanted === undefined || wanted === this.self)
        return reject(failure('peer-unreachable', `cannot dial ${addresses[0]}`));
      if (this.#connections.has(wanted as PeerId)) return resolve(wanted as PeerId);
      let settled = false;
      const timer = this.#fabric.timeline.after(timeoutMs, this.owner, 'dial', () => {
        settled = true;
        reject(failure('peer-unreachable', `no answer within ${timeoutMs} ms`));
      });
      const answered = (task: () => void) => {
        if (!this.owner.alive) return;
        // Nobody waits for it any more: what was accepted there is closed again.
        if (settled) return this.#tellClosed(host, [id]);
        settled = true;
        timer.cancel();
        task();
      };
      const id = this.#fabric.connectionId();
      this.#fabric.send(this.host, host, DIAL_BYTES, () => {
        const { endpoint: remote, poweredOn } = this.#fabric.at(host);
        const lives = remote?.self === wanted && remote.owner.alive;
        if (!lives && !poweredOn) return;
        if (lives) remote.#joined(this, id, 'inbound');
        this.#fabric.send(host, this.host, DIAL_BYTES, () =>
          answered(() => {
            if (!lives) return reject(failure('peer-unreachable', 'connection refused'));
            this.#joined(remote, id, 'outbound');
            resolve(wanted as PeerId);
          }),
        );
      });
    });

  #joined(other: Endpoint, id: number, direction: Connection['direction']): void {
    const { self: peer, host } = other;
    const known = this.#connections.get(peer);
    if (known !== undefined) {
      if (known.with !== other) {
        // A successor of the process at the other end: its kernel resets what the dead one had open.
        known.with = other;
        known.ids.clear();
        for (const fail of [...known.pending]) fail(failure('peer-unreachable', 'the stream was reset'));
      }
      known.ids.add(id);
      return;
    }
    const openedAtMs = EPOCH_MS + this.#fabric.timeline.nowMs;
    this.#connections.set(peer, {
      ids: new Set([id]),
      with: other,
      host,
      direction,
      openedAtMs,
      pending: new Set(),
    });
    for (const listener of this.#listeners) listener('connect', peer);
  }

  /** Some of what makes up the connection is closed; with the last of it the connection is. */
  #lose(peer: PeerId, connection: Connection, ids: Iterable<number>): void {
    for (const id of ids) connection.ids.delete(id);
    if (connection.ids.size === 0 && this.#connections.get(peer) === connection)
      this.#drop(peer, 'the connection was closed');
  }

  #drop(peer: PeerId, why: string): void {
    const connection = this.#connections.get(peer);
    if (connection === undefined) return;
    this.#connections.delete(peer);
    for (const fail of [...connection.pending]) fail(failure('peer-unreachable', why));
    for (const listener of this.#listeners) listener('disconnect', peer);
  }

  hangUp = async (peer: PeerId): Promise<void> => {
    const connection = this.#connections.get(peer);
    if (connection === undefined) return;
    this.#tellClosed(connection.host, [...connection.ids]);
    this.#drop(peer, 'this node hung up');
  };

  #tellClosed(host: string, ids: readonly number[]): void {
    this.#fabric.send(this.host, host, HEAD_BYTES, () => {
      const remote = this.#fabric.at(host).endpoint;
      if (remote === undefined) return;
      const theirs = remote.#connections.get(this.self);
      if (theirs === undefined) return;
      remote.#lose(this.self, theirs, ids);
    });
  }

  /** The process dies. Its kernel tells those connected, unless the power went with it. */
  die(poweredOn: boolean): void {
    this.#fabric.silence(this.host, poweredOn);
    if (!poweredOn) return;
    for (const { host, ids } of this.#connections.values()) this.#tellClosed(host, [...ids]);
  }

  connected = (): PeerId[] => [...this.#connections.keys()];

  connection = (peer: PeerId): ConnectionView | undefined => {
    const found = this.#connections.get(peer);
    if (found === undefined) return undefined;
    const { direction, host, openedAtMs } = found;
    return { direction, address: addressOf(host, peer), transport: 'sim', openedAtMs };
  };

  addresses = (): string[] => [addressOf(this.host, this.self)];

  onPeer = (listener: (event: 'connect' | 'disconnect', peer: PeerId) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

export function addressOf(host: string, peer: PeerId): string {
  return `/ip4/${host}/tcp/${PORT}/p2p/${peer}`;
}

function failure(code: ErrorCode, what: string): DatameshError {
  return new DatameshError(code, { what });
}

function bytesOf({ header, body }: NetMessage): number {
  return HEAD_BYTES + header.length + body.length;
}

function copyOf({ header, body }: NetMessage): NetMessage {
  return { header: Uint8Array.from(header), body: Uint8Array.from(body) };
}
