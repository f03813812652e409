import type { Clock } from '../effects/clock.ts';
import type { EventLevel, EventQuery, EventSource, EventView } from '../views/events.ts';

/** Events kept in memory; older ones are only in the service's log. */
const KEPT = 500;
const MAX_TEXT = 500;

/** What happened in this engine, newest last. */
export class EventLog {
  /** Of all levels since the start. */
  readonly counts: Record<EventLevel, number> = { debug: 0, info: 0, warn: 0, error: 0 };
  private readonly events: EventView[] = [];
  private seq = 0;
  private readonly clock: Clock;
  private readonly listeners = new Set<(event: EventView) => void>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(level: EventLevel, source: EventSource, text: string): void {
    const event: EventView = {
      seq: ++this.seq,
      atMs: this.clock.now(),
      level,
      source,
      text: text.slice(0, MAX_TEXT),
    };
    this.counts[level]++;
    for (const listener of this.listeners) listener(event);
    if (level === 'debug') return;
    this.events.push(event);
    if (this.events.length > KEPT) this.events.shift();
  }

  onEvent(listener: (event: EventView) => void): void {
    this.listeners.add(listener);
  }

  view({ afterSeq = 0 }: EventQuery = {}): EventView[] {
    return this.events.filter(({ seq }) => seq > afterSeq);
  }
}
