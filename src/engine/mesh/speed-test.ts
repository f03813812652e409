/**
 * `/datamesh/speed/1`: really sends and receives bytes, over the same kept streams and under the same caps as shards. The
 * answering side bounds it: one test at a time, for at most 35 s, then a pause for that peer.
 *
 * request  [u8 op][u32 bytes] and a body: 1 = ping, 2 = take this body, 3 = give me so many bytes
 * answer   [u8 status] and a body: 0 = ok, 1 = busy or too soon
 */
import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import { type Net, type NetMessage, NO_BYTES } from '../effects/net.ts';
import type { PeerId } from '../types.ts';

export const SPEED_PROTOCOL = '/datamesh/speed/1';
/** Longest test; half of it each way. */
export const MAX_SPEED_TEST_MS = 30_000;

const OP = { ping: 1, take: 2, give: 3 } as const;
/** The size of a shard of a 4 MiB chunk in 4+2. */
const PIECE_BYTES = 1024 * 1024;
/** A slow line would take longer for one such piece in each lane than the test may last: it begins with small ones, which grow while they pass quickly. */
const FIRST_PIECE_BYTES = 16 * 1024;
const GROWTH = 4;
const QUICK_MS = 250;
/** As many as there are lanes but two, which are left to others. */
const IN_FLIGHT = 4;
const PINGS = 5;
const REQUEST_TIMEOUT_MS = 10_000;
/** How long one peer may test, and how long it then waits. */
const SESSION_MS = MAX_SPEED_TEST_MS + 5_000;
const PAUSE_MS = 30_000;
/** A tester that is silent for so long has ended. */
const QUIET_MS = 2_000;

export interface SpeedFigures {
  sentBytes: number;
  sentMs: number;
  receivedBytes: number;
  receivedMs: number;
  rttMs: number;
}

/** Zeros: nothing on the way compresses. */
const PIECE = new Uint8Array(PIECE_BYTES);

export interface SpeedServiceOptions {
  net: Net;
  clock: Clock;
  /** Only peers that introduced themselves are answered. */
  introduced(peer: PeerId): boolean;
}

export async function serveSpeedTests({ net, clock, introduced }: SpeedServiceOptions): Promise<void> {
  /** One test at a time: the last tester, with when it began and was last heard. */
  let session: { peer: PeerId; startMs: number; lastMs: number } | undefined;

  const admits = (peer: PeerId): boolean => {
    const nowMs = clock.monotonic();
    if (!introduced(peer)) return false;
    if (session !== undefined && session.peer !== peer && nowMs - session.lastMs < QUIET_MS) return false;
    const fresh =
      session === undefined || session.peer !== peer || nowMs - session.startMs > SESSION_MS + PAUSE_MS;
    if (fresh) session = { peer, startMs: nowMs, lastMs: nowMs };
    if (nowMs - session!.startMs > SESSION_MS) return false;
    session!.lastMs = nowMs;
    return true;
  };

  const answer = async (from: PeerId, request: NetMessage): Promise<NetMessage> => {
    const [op] = request.header;
    if (request.header.length !== 5) throw malformed();
    const bytes = new DataView(request.header.buffer, request.header.byteOffset, 5).getUint32(1);
    if (bytes > PIECE_BYTES) throw malformed();
    if (!admits(from)) return { header: Uint8Array.of(1), body: NO_BYTES };
    return { header: Uint8Array.of(0), body: op === OP.give ? PIECE.subarray(0, bytes) : NO_BYTES };
  };
  await net.handle(SPEED_PROTOCOL, answer, { maxBodyBytes: PIECE_BYTES });
}

/**
 * Measures for `durationMs`, half of it each way. Throws `denied` when the peer is being tested or was just now, `bad-value` beyond 30 s,
 * `peer-unreachable`, `timeout`, `cancelled`.
 */
export async function testSpeed(
  { net, clock }: { net: Net; clock: Clock },
  peer: PeerId,
  durationMs: number,
  signal?: AbortSignal,
): Promise<SpeedFigures> {
  if (durationMs > MAX_SPEED_TEST_MS) {
    throw new DatameshError('bad-value', {
      what: `a speed test lasts ${MAX_SPEED_TEST_MS / 1000} s at most, not ${durationMs / 1000} s`,
      why: 'it takes bandwidth from everything else, on both nodes',
    });
  }
  const ask = async (op: number, bytes: number, body: Uint8Array): Promise<number> => {
    const header = new Uint8Array(5);
    header[0] = op;
    new DataView(header.buffer).setUint32(1, bytes);
    const message = { header, body };
    const answer = await net.request(peer, SPEED_PROTOCOL, message, {
      timeoutMs: REQUEST_TIMEOUT_MS,
      signal,
      maxBodyBytes: PIECE_BYTES,
    });
    if (answer.header[0] !== 0) throw busy();
    return op === OP.take ? body.length : answer.body.length;
  };
  const run = async (
    once: (pieceBytes: number) => Promise<number>,
  ): Promise<{ bytes: number; ms: number }> => {
    const startMs = clock.monotonic();
    let bytes = 0;
    const lane = async () => {
      let pieceBytes = FIRST_PIECE_BYTES;
      for (let now = startMs; now - startMs < durationMs / 2; ) {
        const moved = await once(pieceBytes);
        bytes += moved;
        const before = now;
        now = clock.monotonic();
        if (now - before < QUICK_MS) pieceBytes = Math.min(PIECE_BYTES, pieceBytes * GROWTH);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    return { bytes, ms: clock.monotonic() - startMs };
  };

  let rttMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < PINGS; i++) {
    const before = clock.monotonic();
    await ask(OP.ping, 0, NO_BYTES);
    rttMs = Math.min(rttMs, clock.monotonic() - before);
  }
  const sent = await run((pieceBytes) => ask(OP.take, 0, PIECE.subarray(0, pieceBytes)));
  const received = await run((pieceBytes) => ask(OP.give, pieceBytes, NO_BYTES));
  return {
    sentBytes: sent.bytes,
    sentMs: sent.ms,
    receivedBytes: received.bytes,
    receivedMs: received.ms,
    rttMs,
  };
}

function busy(): DatameshError {
  return new DatameshError('denied', {
    what: 'the peer does not take this speed test',
    why: 'it is being tested by another node, or was tested by this one less than half a minute ago',
    mend: 'try again in half a minute',
  });
}

function malformed(): DatameshError {
  return new DatameshError('malformed-data', { what: 'a speed test request is malformed' });
}
