/** What a job has to say of its course: its own lines, the newest of them, and how far it was when. */
import type { JobLine } from '../views/jobs.ts';

/** The newest lines of a job: what has led to its end. 150 jobs that have ended are kept, so that all logs together stay below 5 MB. */
const MAX_LINES = 100;
/** A line says one thing; an error of a holder may repeat a name of up to 4 KiB. */
const MAX_LINE_CHARACTERS = 300;
/** Of how far it is. */
const STEPS = 10;
/** Between two lines of that kind: quick work says nothing of its course. */
const STEP_MS = 1_000;

export class JobLog {
  private readonly lines: JobLine[] = [];
  private dropped = 0;
  private step = 0;
  private steppedMs: number;
  private readonly startedMs: number;

  /** @param startedMs of a monotonic clock */
  constructor(startedMs: number) {
    this.startedMs = startedMs;
    this.steppedMs = startedMs;
  }

  add(atMs: number, level: JobLine['level'], text: string): void {
    const short = text.length > MAX_LINE_CHARACTERS ? `${text.slice(0, MAX_LINE_CHARACTERS - 1)}…` : text;
    this.lines.push({ atMs, level, text: short.toWellFormed() });
    if (this.lines.length <= MAX_LINES) return;
    this.lines.shift();
    this.dropped++;
  }

  /** A line for each tenth, if it took its time. @param share from 0 to 1 */
  progress(atMs: number, nowMs: number, share: number): void {
    const step = Math.floor(share * STEPS);
    if (step <= this.step || nowMs - this.steppedMs < STEP_MS) return;
    this.step = step;
    this.steppedMs = nowMs;
    this.add(
      atMs,
      'info',
      `${(step * 100) / STEPS} % done after ${((nowMs - this.startedMs) / 1000).toFixed(1)} s`,
    );
  }

  view(): { log: JobLine[]; logDropped: number } {
    return { log: [...this.lines], logDropped: this.dropped };
  }
}
