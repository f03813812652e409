/**
 * Samples the node once a second into ring buffers, and keeps the newest census: taken at start, then at intervals, and
 * soon after a peer came or went. What the panels draw comes from here.
 */
import { asDatameshError } from '../../errors.ts';
import type { Clock, Timer } from '../effects/clock.ts';
import type { BandwidthView, HealthReport } from '../engine.ts';
import type { TrafficMeter } from '../mesh/traffic.ts';
import type { PeerId } from '../types.ts';
import { History, RateMeter } from './rates.ts';

const SAMPLE_EVERY_MS = 1_000;
const CENSUS_EVERY_MS = 30_000;
/** After a change of the mesh: long enough for several deaths at once to be one census. */
const CENSUS_SETTLE_MS = 1_500;

export interface SamplerOptions {
  clock: Clock;
  traffic: TrafficMeter;
  /** `greeted`: it answers; else its round trip is of a time gone by. */
  peers(): { peerId: PeerId; rttMs: number | undefined; greeted: boolean }[];
  census(signal: AbortSignal): Promise<HealthReport>;
  /** Catalog.arrivals. */
  arrivals(): number;
  log(text: string): void;
}

interface PeerSamples {
  up: RateMeter;
  down: RateMeter;
  rtt: History;
}

export class Sampler {
  private readonly up = new RateMeter('all');
  private readonly down = new RateMeter('all');
  private readonly byPeer = new Map<PeerId, PeerSamples>();
  private sampleTimer: Timer | undefined;
  private censusTimer: Timer | undefined;
  private readonly stopper = new AbortController();
  private running = false;
  private again = false;
  private report: HealthReport | undefined;
  /** Censuses, counted as they begin, and which of them the report is of. */
  private begun = 0;
  private shown = 0;
  /** Arrivals before the census of the report, and those that a census was asked for because of. */
  private counted = 0;
  private noticed = 0;
  private readonly options: SamplerOptions;

  constructor(options: SamplerOptions) {
    this.options = options;
  }

  start(): void {
    this.sample();
    this.censusSoon(0);
  }

  stop(): void {
    this.stopper.abort();
    this.sampleTimer?.cancel();
    this.censusTimer?.cancel();
  }

  get health(): HealthReport | undefined {
    const { report } = this;
    return report === undefined || this.counted === this.options.arrivals()
      ? report
      : { ...report, unseen: true };
  }

  get censusRunning(): boolean {
    return this.running;
  }

  /** A census that somebody asks for is as good as one of our own. Of two that overlap the one that began later tells what is newer. */
  async taken(census: () => Promise<HealthReport>): Promise<HealthReport> {
    const turn = ++this.begun;
    const arrivals = this.options.arrivals();
    const report = await census();
    if (turn > this.shown) {
      this.shown = turn;
      this.counted = arrivals;
      this.report = report;
    }
    return report;
  }

  peer(peer: PeerId): PeerSamples {
    let samples = this.byPeer.get(peer);
    if (samples === undefined) {
      samples = { up: new RateMeter(), down: new RateMeter(), rtt: new History() };
      this.byPeer.set(peer, samples);
    }
    return samples;
  }

  bandwidth(caps: { up: number | undefined; down: number | undefined }): BandwidthView {
    return {
      up: this.up.view(),
      down: this.down.view(),
      capUpBytesPerSecond: caps.up,
      capDownBytesPerSecond: caps.down,
      byProtocol: this.options.traffic.byProtocol(),
    };
  }

  /** The mesh or the catalog changed: count again soon. */
  censusSoon(delayMs: number = CENSUS_SETTLE_MS): void {
    if (this.stopper.signal.aborted) return;
    if (this.running) {
      this.again = true;
      return;
    }
    this.censusTimer?.cancel();
    this.censusTimer = this.options.clock.after(delayMs, () => void this.count());
  }

  private async count(): Promise<void> {
    this.running = true;
    this.again = false;
    try {
      await this.taken(() => this.options.census(this.stopper.signal));
    } catch (error) {
      if (!this.stopper.signal.aborted) this.options.log(`census failed: ${asDatameshError(error).message}`);
    } finally {
      this.running = false;
      this.censusSoon(this.again ? CENSUS_SETTLE_MS : CENSUS_EVERY_MS);
    }
  }

  private sample(): void {
    const { clock, traffic } = this.options;
    const arrivals = this.options.arrivals();
    if (arrivals !== this.noticed) {
      this.noticed = arrivals;
      this.censusSoon();
    }
    const now = clock.monotonic();
    this.up.sample(traffic.total.sentBytes, now);
    this.down.sample(traffic.total.receivedBytes, now);
    const present = new Set<PeerId>();
    for (const { peerId, rttMs, greeted } of this.options.peers()) {
      present.add(peerId);
      const counter = traffic.peer(peerId);
      const samples = this.peer(peerId);
      samples.up.sample(counter.sentBytes, now);
      samples.down.sample(counter.receivedBytes, now);
      samples.rtt.push(greeted ? rttMs : undefined);
    }
    // A peer that membership forgot must not leave its counters behind.
    for (const peer of this.byPeer.keys()) {
      if (present.has(peer)) continue;
      this.byPeer.delete(peer);
      traffic.forget(peer);
    }
    this.sampleTimer = clock.after(SAMPLE_EVERY_MS, () => this.sample());
  }
}
