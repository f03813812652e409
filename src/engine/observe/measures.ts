/** What a node counts where it happens and nobody else keeps: puts and gets, gossip, repairs. Plain numbers, read when somebody asks. */
import { asDatameshError } from '../../errors.ts';
import type { Gossip, Verdict } from '../mesh/gossip.ts';
import { Histogram, TRANSFER_BUCKETS_SECONDS } from './histogram.ts';

/** `degraded`: of puts, durable with fewer shards than wanted. */
export type TransferEnd = 'ok' | 'degraded' | 'failed' | 'cancelled';

export class TransferMeter {
  readonly ends: Record<TransferEnd, number> = { ok: 0, degraded: 0, failed: 0, cancelled: 0 };
  /** Of plaintext that was stored or handed out. */
  bytes = 0;
  /** Of those that ended well. */
  readonly seconds = new Histogram(TRANSFER_BUCKETS_SECONDS);

  ended(end: TransferEnd, elapsedMs: number): void {
    this.ends[end]++;
    if (end === 'ok' || end === 'degraded') this.seconds.observe(elapsedMs / 1000);
  }

  failed(error: unknown, elapsedMs: number): void {
    this.ended(asDatameshError(error).code === 'cancelled' ? 'cancelled' : 'failed', elapsedMs);
  }
}

export class Measures {
  readonly puts = new TransferMeter();
  readonly gets = new TransferMeter();
  readonly gossip = { published: 0, accept: 0, ignore: 0, reject: 0 };
  /** By this node as a custodian. */
  readonly repairs = { objects: 0, shards: 0, trafficBytes: 0 };

  mended({
    repaired,
    shards,
    trafficBytes,
  }: {
    repaired: number;
    shards: number;
    trafficBytes: number;
  }): void {
    this.repairs.objects += repaired;
    this.repairs.shards += shards;
    this.repairs.trafficBytes += trafficBytes;
  }

  /** The same gossip, its messages counted. */
  counted(gossip: Gossip): Gossip {
    return {
      publish: (info) => {
        this.gossip.published++;
        gossip.publish(info);
      },
      judge: (by) =>
        gossip.judge((from, info) => {
          const verdict: Verdict = by(from, info);
          this.gossip[verdict]++;
          return verdict;
        }),
    };
  }
}
