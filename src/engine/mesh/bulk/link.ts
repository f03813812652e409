/**
 * The bulk plane to one peer: up to two sockets, one dialled by each side, that carry requests and answers both ways. A large body goes to the
 * socket that its receiver dialled, where it is read straight into its place; everything else takes whichever is there.
 */
import type { TLSSocket } from 'node:tls';
import { DatameshError } from '../../../errors.ts';
import type { Clock, Timer } from '../../effects/clock.ts';
import {
  MAX_BODY_BYTES,
  type NetAnswer,
  type NetMessage,
  NO_BYTES,
  type RequestHandler,
  type RequestOptions,
} from '../../effects/net.ts';
import type { PeerId } from '../../types.ts';
import { MAX_QUEUED_REQUESTS } from '../limits.ts';
import type { Caps } from '../rate-limit.ts';
import type { BodyPool } from './body-pool.ts';
import type { FrameHead, FrameSink } from './bulk-frame.ts';
import { BulkSocket, type ReadDoor, type Sending } from './bulk-socket.ts';
import {
  CANCEL_GRACE_MS,
  MAX_PROLONGED,
  MAX_SERVED_BYTES,
  MAX_SERVED_BYTES_PER_PEER,
  MAX_SERVED_REQUESTS,
  PROGRESS_BYTES,
  SMALL_BODY_BYTES,
} from './limits.ts';

/** What a node answers on the bulk plane. */
export interface Service {
  handler: RequestHandler;
  maxBodyBytes: number;
  /** Asked with the header of a request before its body is read. False: the body is dropped unread and the handler sees an empty one. */
  admits?(from: PeerId, header: Uint8Array, bodyBytes: number): boolean;
  /** Length of the answer's body, as far as it is known before the answer is. */
  answerBytes?(header: Uint8Array): number;
}

/** Shared by all links of a node. */
export interface LinkShared {
  clock: Clock;
  caps: Caps;
  pool: BodyPool;
  services: ReadonlyMap<number, Service>;
  /** Bytes under way for all peers, and for how many; links that wait for it to shrink. */
  served: { bytes: number; peers: number; waiting: Set<Link> };
  count(peer: PeerId, direction: 'sent' | 'received', bytes: number): void;
}

interface Pending {
  /** The answer is here whole: what it still waits for is this node's own budget. */
  arrived(): void;
  settle(result: NetMessage | DatameshError): void;
  options: RequestOptions;
  /** The answer's head has come: its body is being read. */
  receivingOn: BulkSocket | undefined;
  place: Uint8Array | undefined;
}

export class Link {
  readonly peer: PeerId;
  private readonly shared: LinkShared;
  private readonly ended: (link: Link, reason: Error) => void;
  /** This side dialled it: what arrives here is read in place. */
  private dialled: BulkSocket | undefined;
  /** The peer dialled it: what is sent here is read in place there. */
  private accepted: BulkSocket | undefined;
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;
  private servedBytes = 0;
  private servedRequests = 0;
  /** Of the request whose body a socket is in the midst of. */
  private readonly receiving = new Map<BulkSocket, number>();
  private closed = false;
  /** For those that wait for the budget. */
  private readonly ending = new AbortController();

  constructor(peer: PeerId, shared: LinkShared, ended: (link: Link, reason: Error) => void) {
    this.peer = peer;
    this.shared = shared;
    this.ended = ended;
  }

  get hasDialled(): boolean {
    return this.dialled !== undefined;
  }

  get hasAccepted(): boolean {
    return this.accepted !== undefined;
  }

  get usable(): boolean {
    return !this.closed && (this.dialled ?? this.accepted) !== undefined;
  }

  addDialled(socket: TLSSocket, door: ReadDoor): void {
    const former = this.dialled;
    this.dialled = this.wrap(socket);
    former?.destroy(new Error('replaced by a newer connection'));
    this.dialled.start(door);
  }

  addAccepted(socket: TLSSocket): void {
    const former = this.accepted;
    this.accepted = this.wrap(socket);
    former?.destroy(new Error('replaced by a newer connection'));
    this.accepted.start(undefined);
  }

  /**
   * One request and its answer. When `options.into` gave a place for the answer's body, the promise settles only when nothing more is
   * written there; and in any case only when nothing more of `message.body` is read. Cancelled with its body on the way, a request still
   * waits a while for the answer: whoever takes back what it may have done must not come before it. Waiting for the budget is no time of the peer's: the
   * time-out begins after it, and is prolonged while bodies go over the link that take long.
   */
  request(service: number, message: NetMessage, options: RequestOptions): Promise<NetMessage> {
    const { up } = this.shared.caps;
    if (!up.capped) return this.ask(service, message, options);
    const passed = up.passWhile(message.body.length, this.ending.signal, options);
    return passed.then(() => this.ask(service, message, options));
  }

  private ask(service: number, message: NetMessage, options: RequestOptions): Promise<NetMessage> {
    const socket = this.socketFor(message.body.length);
    if (socket === undefined || this.closed) return Promise.reject(this.gone('the connection is closed'));
    if (this.pending.size >= MAX_QUEUED_REQUESTS) return Promise.reject(this.gone('too many requests wait'));
    const id = this.nextId;
    this.nextId = (this.nextId + 1) >>> 0;
    return new Promise((resolve, reject) => {
      const { clock } = this.shared;
      const { signal } = options;
      let timer: Timer | undefined;
      let sending: Sending | undefined;
      let over = false;
      const settle = (result: NetMessage | DatameshError) => {
        if (over) return;
        over = true;
        timer?.cancel();
        signal?.removeEventListener('abort', onAbort);
        const entry = this.pending.get(id)!;
        this.pending.delete(id);
        // A peer may answer before it has read the body, or without having seen the request at all: ids are easily guessed.
        const free = sending === undefined || sending.bodyFree || sending.withdraw();
        const left = free ? undefined : sending?.ended;
        if (!(result instanceof Error)) {
          if (left === undefined) resolve(result);
          else void left.then(() => resolve(result));
          return;
        }
        const reading = entry.place === undefined ? undefined : entry.receivingOn?.divert('response', id);
        void Promise.all([reading, left]).then(() => reject(result));
      };
      const cancel = () => settle(new DatameshError('cancelled', { what: 'cancelled' }));
      const onAbort = () => {
        const unsent = sending?.withdraw() ?? true;
        if (unsent || message.body.length === 0) return cancel();
        // The peer will take the body in all the same, and what is asked of it next may overtake that on the other socket.
        timer?.cancel();
        timer = clock.after(CANCEL_GRACE_MS, cancel);
      };
      const arrived = () => timer?.cancel();
      this.pending.set(id, { arrived, settle, options, receivingOn: undefined, place: undefined });
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      let moved = this.movedBytes();
      let prolonged = 0;
      const late = () => {
        const now = this.movedBytes();
        if (now - moved < PROGRESS_BYTES || prolonged++ === MAX_PROLONGED) {
          return settle(new DatameshError('timeout', { what: `no answer within ${options.timeoutMs} ms` }));
        }
        moved = now;
        timer = clock.after(options.timeoutMs, late);
      };
      timer = clock.after(options.timeoutMs, late);
      const head: FrameHead = { kind: 'request', id, service, bodyBytes: message.body.length };
      sending = socket.send(head, message.header, message.body);
    });
  }

  /** Rejects what is under way and closes both sockets. */
  close(reason: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.ending.abort();
    this.dialled?.destroy(reason);
    this.accepted?.destroy(reason);
    for (const entry of [...this.pending.values()]) entry.settle(this.gone(reason.message));
    this.shared.served.waiting.delete(this);
    this.ended(this, reason);
  }

  watch(nowMs: number, limitMs: number): void {
    this.dialled?.watch(nowMs, limitMs);
    this.accepted?.watch(nowMs, limitMs);
  }

  /** Reads on, if it had to wait for the bytes of other requests. */
  resume(): void {
    if (!this.mustWait()) this.dialled?.resume();
    if (!this.mustWait()) this.accepted?.resume();
    else this.shared.served.waiting.add(this);
  }

  /** Both ways and on both sockets, since they were opened. */
  private movedBytes(): number {
    return (this.dialled?.movedBytes ?? 0) + (this.accepted?.movedBytes ?? 0);
  }

  private wrap(tls: TLSSocket): BulkSocket {
    let socket: BulkSocket;
    const sink: FrameSink = {
      begin: (head, header) => this.begin(socket, head, header),
      end: (head, header, body) => {
        socket.frameEnded();
        this.end(socket, head, header, body);
      },
    };
    socket = new BulkSocket(tls, sink, {
      sent: (bytes) => this.shared.count(this.peer, 'sent', bytes),
      closed: (reason) => {
        this.broken(socket);
        // What was on this socket is lost, and the askers cannot tell which: the link ends as a whole and is opened anew when needed.
        if (this.dialled === socket || this.accepted === socket) this.close(reason);
      },
    });
    return socket;
  }

  private socketFor(bodyBytes: number): BulkSocket | undefined {
    return bodyBytes > SMALL_BODY_BYTES ? (this.accepted ?? this.dialled) : (this.dialled ?? this.accepted);
  }

  private begin(socket: BulkSocket, head: FrameHead, header: Uint8Array): Uint8Array | 'skip' | 'wait' {
    if (head.kind === 'response') {
      const entry = this.pending.get(head.id);
      // Nobody waits any more: the asker gave up.
      if (entry === undefined) return head.bodyBytes === 0 ? NO_BYTES : 'skip';
      // On the other socket it would end the request while the first one is still written to the same place, which then is another's.
      if (entry.receivingOn !== undefined)
        throw new DatameshError('malformed-data', { what: 'a second answer to one request' });
      if (head.bodyBytes > (entry.options.maxBodyBytes ?? MAX_BODY_BYTES)) {
        const error = new DatameshError('malformed-data', {
          what: `an answer announces ${head.bodyBytes} bytes, more than was asked for`,
        });
        entry.settle(error);
        throw error;
      }
      entry.receivingOn = socket;
      entry.place = head.bodyBytes === 0 ? undefined : entry.options.into?.(head.bodyBytes);
      return entry.place ?? (head.bodyBytes === 0 ? NO_BYTES : newBody(head.bodyBytes));
    }
    const service = this.shared.services.get(head.service);
    if (service === undefined || head.bodyBytes > service.maxBodyBytes) {
      throw new DatameshError('malformed-data', { what: 'a request that this node does not serve' });
    }
    if (this.mustWait()) {
      this.shared.served.waiting.add(this);
      return 'wait';
    }
    if (head.bodyBytes === 0) return NO_BYTES;
    if (service.admits !== undefined && !service.admits(this.peer, header, head.bodyBytes)) {
      this.serve(socket, head, Buffer.from(header), NO_BYTES);
      return 'skip';
    }
    // A read that was under way when the socket closed may still bring a head.
    if (!socket.open) return 'skip';
    this.receiving.set(socket, head.bodyBytes);
    this.charge(head.bodyBytes);
    return this.shared.pool.take(head.bodyBytes);
  }

  /** The socket is closed: the body that it was in the midst of never comes, and counts no more. */
  private broken(socket: BulkSocket): void {
    this.charge(-(this.receiving.get(socket) ?? 0));
    this.receiving.delete(socket);
  }

  private end(socket: BulkSocket, head: FrameHead, header: Uint8Array, body: Uint8Array): void {
    this.shared.count(this.peer, 'received', header.length + body.length);
    if (head.kind === 'request') {
      this.receiving.delete(socket);
      this.serve(socket, head, header, body);
      return;
    }
    const entry = this.pending.get(head.id);
    if (entry === undefined) return;
    const { down } = this.shared.caps;
    const message = { header, body };
    entry.place = undefined; // complete: nothing more will be written there
    entry.arrived();
    const { waiting } = entry.options;
    if (body.length > 0 && down.capped)
      void down.pass(body.length, { waiting }).then(() => entry.settle(message));
    else entry.settle(message);
  }

  /** Answers one request; its bytes count until the answer has left. */
  private serve(socket: BulkSocket, head: FrameHead, header: Uint8Array, body: Uint8Array): void {
    const { caps, pool, services } = this.shared;
    this.servedRequests++;
    const service = services.get(head.service)!;
    // Counted from now on: many requests for large bodies would else be let in before the first of them was read.
    let owedBytes = service.answerBytes?.(header) ?? 0;
    this.charge(owedBytes);
    const run = async () => {
      if (body.length > 0 && caps.down.capped) await caps.down.pass(body.length);
      let answer: NetAnswer;
      try {
        answer = await service.handler(this.peer, { header, body });
      } finally {
        if (body.length > 0) {
          this.charge(-body.length);
          pool.give(body);
        }
      }
      const answerBytes = answer.body.length;
      if (answerBytes > 0 && caps.up.capped) await caps.up.pass(answerBytes);
      this.charge(answerBytes - owedBytes);
      owedBytes = answerBytes;
      const reply: FrameHead = {
        kind: 'response',
        id: head.id,
        service: head.service,
        bodyBytes: answerBytes,
      };
      const over = answerBytes > SMALL_BODY_BYTES ? (this.accepted ?? socket) : socket;
      try {
        await over.send(reply, answer.header, answer.body).ended;
      } finally {
        answer.sent?.();
      }
    };
    run()
      .catch((error: unknown) => this.close(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.servedRequests--;
        this.charge(-owedBytes);
        this.resume();
      });
  }

  /**
   * A peer that has nothing under way gets one request in, and one with less than its share of what all may have gets more in, whatever others have: some that do not
   * read, or whose bodies do not go on, must not stop all.
   */
  private mustWait(): boolean {
    const { served } = this.shared;
    if (this.servedRequests >= MAX_SERVED_REQUESTS) return true;
    if (this.servedBytes === 0) return false;
    if (this.servedBytes >= MAX_SERVED_BYTES_PER_PEER) return true;
    return served.bytes >= MAX_SERVED_BYTES && this.servedBytes >= MAX_SERVED_BYTES / served.peers;
  }

  private charge(bytes: number): void {
    if (bytes === 0) return;
    const { served } = this.shared;
    const before = this.servedBytes;
    this.servedBytes += bytes;
    served.bytes += bytes;
    served.peers += Number(this.servedBytes > 0) - Number(before > 0);
    if (bytes > 0 || served.waiting.size === 0) return;
    for (const link of [...served.waiting]) {
      served.waiting.delete(link);
      link.resume();
    }
  }

  private gone(why: string): DatameshError {
    return new DatameshError('peer-unreachable', {
      what: `peer ${this.peer.slice(-8)} cannot be reached`,
      why,
    });
  }
}

/** Of its own allocation when it is large, so that it can be kept without holding others' memory. */
function newBody(lengthBytes: number): Uint8Array {
  return lengthBytes <= SMALL_BODY_BYTES
    ? Buffer.allocUnsafe(lengthBytes)
    : Buffer.allocUnsafeSlow(lengthBytes);
}
