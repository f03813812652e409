/**
 * The network as the engine sees it: authenticated request and response between peers. The real one runs over kept
 * libp2p streams (mesh/libp2p-net.ts); the simulator delivers messages on its own clock, with loss and delay.
 */
import type { PeerId } from '../types.ts';

export interface NetMessage {
  /** Small and structured; at most `MAX_HEADER_BYTES`. */
  header: Uint8Array;
  /** Raw bytes, e.g. a shard. Empty when there is none. */
  body: Uint8Array;
}

/** An answer, and what to do when its body has left and nobody reads it any more (or never will): called once. */
export interface NetAnswer extends NetMessage {
  sent?(): void;
}

/** 16 KiB: the largest header is a batch of 256 shard ids (8 KiB) with room to spare. */
export const MAX_HEADER_BYTES = 16 * 1024;
/** 64 MiB + 64 KiB: the largest chunk as one replica, with its tag and padding. A longer frame is refused unread. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024 + 64 * 1024;

export interface RequestOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Longest response body accepted; `MAX_BODY_BYTES` when absent. */
  maxBodyBytes?: number | undefined;
  /** What keeps the mesh together: where bandwidth is capped it goes before everything else. */
  urgent?: boolean | undefined;
  /** Told each time the request is about to wait for this node's own bandwidth cap, and how long: no time of the peer's. */
  waiting?: ((ms: number) => void) | undefined;
  /**
   * Where the answer's body of that length is to be put, if the caller has a place for it and the transport can; the answer's body is then (the
   * start of) that place, and the request settles only when nothing more will be written there. Undefined: memory of its own.
   */
  into?: ((bodyBytes: number) => Uint8Array | undefined) | undefined;
}

export interface HandleOptions {
  /** Longest request body accepted. */
  maxBodyBytes: number;
  /** As in `RequestOptions`, of questions and answers. */
  urgent?: boolean | undefined;
  /**
   * Asked with the header before a body is taken in, where the transport can tell them apart. False: the body is dropped unread, and the handler
   * is called with an empty one and must refuse by itself.
   */
  admits?(from: PeerId, header: Uint8Array, bodyBytes: number): boolean;
  /** How long the body of the answer to this request will be, as far as is known beforehand: what a peer may have under way is counted with it. */
  answerBytes?(header: Uint8Array): number;
}

export type RequestHandler = (from: PeerId, request: NetMessage) => Promise<NetAnswer>;

export interface ConnectionView {
  direction: 'inbound' | 'outbound';
  /** Multiaddr of the other end. */
  address: string;
  /** E.g. "tcp/noise/yamux". */
  transport: string;
  openedAtMs: number;
}

export interface Net {
  readonly self: PeerId;
  /** Answers requests of `protocol`. A handler that throws resets the caller's stream: answer errors in the header. */
  handle(protocol: string, handler: RequestHandler, options: HandleOptions): Promise<void>;
  /**
   * Sends one request and resolves with its response; `message` is read until this settles, and not after. Throws `peer-unreachable`, `timeout`, `cancelled`,
   * or `malformed-data` for an answer that is longer than `maxBodyBytes`.
   */
  request(peer: PeerId, protocol: string, message: NetMessage, options: RequestOptions): Promise<NetMessage>;
  /** Connects to the peer behind these multiaddrs, or to a known one. Throws `peer-unreachable`. */
  dial(addresses: readonly string[], timeoutMs: number): Promise<PeerId>;
  hangUp(peer: PeerId): Promise<void>;
  connected(): PeerId[];
  /** The open connection to a peer, if there is one. */
  connection(peer: PeerId): ConnectionView | undefined;
  /** Multiaddrs under which others can dial this node. */
  addresses(): string[];
  onPeer(listener: (event: 'connect' | 'disconnect', peer: PeerId) => void): () => void;
}

export const NO_BYTES = new Uint8Array(0);
