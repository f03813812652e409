/**
 * Bounds what a peer may send on the streams of the library's own protocols (gossip, DHT, identify, ping). Their handlers read
 * with `for await`, which queues without bound; a stream that brings more than any honest use is reset before it queues up.
 * Our own protocols need none of this: their frames are checked before anything is allocated, one at a time.
 */
import type { Stream } from '@libp2p/interface';
import type { Clock } from '../effects/clock.ts';
import { GUARDED_STREAM_RATE } from './limits.ts';
import { TokenBuckets } from './token-bucket.ts';
import { countBytes } from './traffic.ts';

const GUARDED = /^\/(?:meshsub|ipfs)\/|\/kad\//;

/** @param exceeded called when the stream was reset: its peer can open another, with an allowance of its own */
export function guardStream(stream: Stream, clock: Clock, exceeded: () => void = () => {}): void {
  if (!GUARDED.test(stream.protocol)) return;
  const bucket = new TokenBuckets(clock, GUARDED_STREAM_RATE, 1);
  countBytes(stream, (_sent, received) => {
    if (received > 0 && !bucket.take('', received)) {
      exceeded();
      stream.abort(
        new Error(`more than ${GUARDED_STREAM_RATE.perSecond} bytes a second of ${stream.protocol}`),
      );
    }
  });
}
