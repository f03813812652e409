/** What passes the wires of a node; part of the Engine interface. */

export interface RateWindow {
  now: number;
  avg1m: number;
  avg5m: number;
  peak: number;
  totalBytes: number;
  /** Last 60 samples of one second, oldest first. */
  history: number[];
  /** Mean rates of the last 60 stretches of ten seconds, and of the last 288 of five minutes, oldest first. */
  history10m: number[];
  history24h: number[];
}

export interface BandwidthView {
  up: RateWindow;
  down: RateWindow;
  capUpBytesPerSecond: number | undefined;
  capDownBytesPerSecond: number | undefined;
  byProtocol: { protocol: string; sentBytes: number; receivedBytes: number }[];
}
