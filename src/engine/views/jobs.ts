/** What `jobs` shows, and the calls behind it; part of the Engine interface. */
import type { CallOptions } from '../engine.ts';

/** Long work of the engine, under way or ended. */
export interface JobView {
  /** `put-7`: unique while the engine runs. */
  id: string;
  verb: string;
  target: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  /** The node does it by itself, again and again: a repair of the mesh, the catalog's mirror. */
  unasked: boolean;
  doneBytes: number;
  /** Undefined while it is not known. */
  totalBytes: number | undefined;
  /** Objects, stripes or shards, by the verb; undefined where only bytes are counted. */
  doneItems: number | undefined;
  totalItems: number | undefined;
  /** Measured over the last seconds while it runs, over all of its time once it has ended. */
  bytesPerSecond: number;
  itemsPerSecond: number;
  /** At that rate; undefined while the total is not known, or nothing moves. */
  etaMs: number | undefined;
  startedAtMs: number;
  endedAtMs: number | undefined;
  error: string | undefined;
}

/** What the job itself, or whoever runs it, has said. */
export interface JobLine {
  atMs: number;
  level: 'info' | 'warn' | 'error';
  text: string;
}

export interface JobDetail extends JobView {
  /** The newest lines, oldest first, and how many older ones are gone. */
  log: JobLine[];
  logDropped: number;
}

export interface JobCalls {
  /** The newest first. */
  list(): Promise<JobView[]>;
  /** Throws `not-found`. */
  show(id: string): Promise<JobDetail>;
  /** Resolves when it has ended, however it did. Throws `not-found`; `cancelled` when the call is given up, which leaves the job alone. */
  wait(id: string, call?: CallOptions): Promise<JobView>;
  /** Stops it where it can go on later, and resolves when it has ended. Of one that has ended nothing happens. Throws `not-found`. */
  cancel(id: string): Promise<JobView>;
}
