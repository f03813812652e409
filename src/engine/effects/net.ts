/**
 * The network as the engine sees it: authenticated request and response between peers. The real one runs over kept
 * libp2p streams (mesh/libp2p-net.ts); the simulator delivers messages on its own clock, with loss and delay.
 */
import type { PeerId } from '../types.ts';

export interface NetMessage {
  /** Small and structured; at most `MAX_HEADER_BYTES`. */
  header: Uint8Array;
  /** Raw bytes, e.g. a shard; at most `MAX_BODY_BYTES`. Empty when there is none. */
  body: Uint8Array;
}

/** 16 KiB: the largest header is a batch of 256 shard ids (8 KiB) with room to spare. */
export const MAX_HEADER_BYTES = 16 * 1024;
/** 64 MiB + 64 KiB: the largest chunk as one replica, with its tag and padding. A longer frame is refused unread. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024 + 64 * 1024;

export interface RequestOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export type RequestHandler = (from: PeerId, request: NetMessage) => Promise<NetMessage>;

export interface Net {
  readonly self: PeerId;
  /** Answers requests of `protocol`. A handler that throws resets the caller's stream: answer errors in the header. */
  handle(protocol: string, handler: RequestHandler): Promise<void>;
  /** Sends one request and resolves with its response. Throws `peer-unreachable` or `timeout`. */
  request(peer: PeerId, protocol: string, message: NetMessage, options: RequestOptions): Promise<NetMessage>;
  connected(): PeerId[];
  onPeer(listener: (event: 'connect' | 'disconnect', peer: PeerId) => void): () => void;
}
