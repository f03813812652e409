/** What `drain` shows; part of the Engine interface. */

export interface DrainQuery {
  /** start: and wait until it is done or stuck, which ending the call does not end. status: as it is. cancel: the node takes shards again. */
  action: 'start' | 'status' | 'cancel';
}

/**
 * off: the node takes shards as any other. running: its shards are being copied elsewhere and dropped here. stuck: some cannot go now; it tries again. done:
 * nothing that a live object names is left here.
 */
export type DrainState = 'off' | 'running' | 'stuck' | 'done';

export interface DrainView {
  state: DrainState;
  sinceMs: number | undefined;
  /** In the store now. */
  shardsLeft: number;
  bytesLeft: number;
  /** Dropped since the node runs, each after another holder had proved to have it. */
  shardsDropped: number;
  /** Of those left: yet to be copied or proved; without anybody that the rule allows; named by no custodian's order. */
  waiting: number;
  blocked: number;
  unnamed: number;
  /** What keeps it from being done, a sentence each. */
  reasons: string[];
}
