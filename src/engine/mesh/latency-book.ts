/**
 * How long requests take, by what was asked: a shard of 4 KiB and one of 1 MiB, or a read and a write that waits for the disk, have
 * nothing in common. One peer's, and those of all peers together for peers of which little is known.
 */
import { type LatencyQuantiles, LatencyWindow, quantilesOf } from './latency.ts';

export type DataRequest = 'get' | 'put';

/** Bounds of the size classes: what fits a few packets, what fits the socket buffers, what is carried by the bandwidth. */
const SIZE_CLASSES = [32 * 1024, 512 * 1024];

function classOf(request: DataRequest, sizeBytes: number): string {
  const size = SIZE_CLASSES.findIndex((bound) => sizeBytes <= bound);
  return `${request} ${size < 0 ? SIZE_CLASSES.length : size}`;
}

/** At most six windows. */
export class LatencyBook {
  private readonly windows = new Map<string, LatencyWindow>();
  private readonly samples: number | undefined;

  /** @param samples kept of each class; 64 when absent */
  constructor(samples?: number) {
    this.samples = samples;
  }

  add(request: DataRequest, sizeBytes: number, latencyMs: number, nowMs: number): void {
    const key = classOf(request, sizeBytes);
    let window = this.windows.get(key);
    if (window === undefined) this.windows.set(key, (window = new LatencyWindow(this.samples)));
    window.add(latencyMs, nowMs);
  }

  /** Undefined figures when fewer than `atLeast` samples are fresh. */
  of(request: DataRequest, sizeBytes: number, nowMs: number, atLeast = 1): LatencyQuantiles {
    const window = this.windows.get(classOf(request, sizeBytes));
    if (window === undefined || window.fresh(nowMs) < atLeast) return { p50: undefined, p95: undefined };
    return window.quantiles(nowMs);
  }

  /** Of all requests together, for people. */
  overall(nowMs: number): LatencyQuantiles {
    return quantilesOf(
      [...this.windows.values()].flatMap((window) => [...window.sorted(nowMs)]).sort((a, b) => a - b),
    );
  }
}
