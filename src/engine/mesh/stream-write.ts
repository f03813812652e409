import type { Stream } from '@libp2p/interface';
import { WRITE_HIGH_WATER_BYTES } from './limits.ts';

/** Handed to the stream at once. */
const PIECE_BYTES = 256 * 1024;

/**
 * Sends all of `parts`, waiting whenever more than the high-water mark is unsent. libp2p's own `onDrain` waits only
 * once and one drain does not mean empty, so this looks at the buffer itself. Throws when the stream closes.
 *
 * A stream reads what it was given only when it encrypts, which may be long after it was aborted; so it is given copies: whether this resolves or
 * throws, and once the stream is aborted, nothing reads `parts`.
 */
export async function writeAll(stream: Stream, ...parts: Uint8Array[]): Promise<void> {
  for (const part of parts) {
    for (let at = 0; at < part.length; at += PIECE_BYTES) {
      stream.send(Buffer.from(part.subarray(at, at + PIECE_BYTES)));
      while (stream.writeBufferLength > WRITE_HIGH_WATER_BYTES) {
        if (stream.status !== 'open') throw new Error(`the stream is ${stream.status}`);
        await progress(stream);
      }
    }
  }
}

function progress(stream: Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['drain', 'idle', 'close'] as const) stream.removeEventListener(event, done);
      resolve();
    };
    for (const event of ['drain', 'idle', 'close'] as const) stream.addEventListener(event, done);
  });
}
