/**
 * What somebody who watches a run sees of it: a frame for each second of the virtual time, written to a pipe, and the next one only when it is asked for. The
 * watcher is another process, as this one has no clock.
 */
import { deserialize, serialize } from 'node:v8';
import type { Snapshot } from '../../src/engine/engine.ts';
import type { SimMachine } from './machine.ts';
import type { Timeline } from './timeline.ts';

export const FRAME_MS = 1000;
/** Begins the line of a frame. */
const FRAME = 'FRAME ';

export interface MachineFace {
  label: string;
  state: 'up' | 'down' | 'lies' | 'drains' | 'gone';
}

export interface Frame {
  seed: number;
  /** Virtual time. */
  atMs: number;
  /** Of the steps of the script; at their end all is mended. */
  step: number;
  steps: number;
  machines: MachineFace[];
  /** Lines of the trace since the last frame. */
  notes: string[];
  /** The console's own view of a node with an owner; undefined while none is up. */
  snapshot: Snapshot | undefined;
}

/** Resolves when the next frame is wanted. */
export type FrameSink = (frame: Frame) => Promise<void>;

/** Stops at each second of the virtual time, and goes on when the next frame is wanted. */
export class Frames {
  readonly #sink: FrameSink;
  readonly #machines: readonly SimMachine[];
  #notes: string[] = [];
  #nextMs = FRAME_MS;

  constructor(sink: FrameSink, machines: readonly SimMachine[]) {
    this.#sink = sink;
    this.#machines = machines;
  }

  note = (line: string): void => {
    this.#notes.push(line);
  };

  /** As the timeline does, with stops. */
  async run(
    timeline: Timeline,
    durationMs: number,
    ends: () => boolean,
    progress: Pick<Frame, 'seed' | 'step' | 'steps'>,
  ): Promise<void> {
    for (const endMs = timeline.nowMs + durationMs; timeline.nowMs < endMs && !ends(); ) {
      await timeline.run(Math.min(endMs, this.#nextMs) - timeline.nowMs, ends);
      if (timeline.nowMs < this.#nextMs) continue;
      this.#nextMs += FRAME_MS;
      const notes = this.#notes;
      this.#notes = [];
      await this.#sink({
        ...progress,
        atMs: timeline.nowMs,
        machines: this.#machines.map(faceOf),
        notes,
        snapshot: await snapshotOf(this.#machines),
      });
    }
  }
}

function faceOf({ label, isUp, gone, liar, draining }: SimMachine): MachineFace {
  if (gone) return { label, state: 'gone' };
  if (!isUp) return { label, state: 'down' };
  return { label, state: liar ? 'lies' : draining ? 'drains' : 'up' };
}

async function snapshotOf(machines: readonly SimMachine[]): Promise<Snapshot | undefined> {
  const client = machines.find(({ spec, engine }) => spec.isClient && engine !== undefined);
  return await client?.engine?.snapshot();
}

/** On standard output; every byte on standard input asks for a frame. */
export function pipeSink(): FrameSink {
  let wanted = 0;
  let wake: (() => void) | undefined;
  process.stdin.on('data', (bytes: Buffer) => {
    wanted += bytes.length;
    wake?.();
  });
  // Nobody watches any more.
  process.stdin.on('end', () => process.exit(0));
  return async (frame) => {
    process.stdout.write(`${FRAME}${serialize(frame).toString('base64')}\n`);
    while (wanted === 0) await new Promise<void>((resolve) => (wake = resolve));
    wanted--;
  };
}

/** The frame of a line of output; undefined for any other line. */
export function frameIn(line: string): Frame | undefined {
  if (!line.startsWith(FRAME)) return undefined;
  return deserialize(Buffer.from(line.slice(FRAME.length), 'base64')) as Frame;
}
