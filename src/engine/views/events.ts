/** What happened in an engine; part of the Engine interface. */

export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

/** Parts of an engine that have something to tell. */
export const EVENT_SOURCES = [
  'audit',
  'backup',
  'catalog',
  'census',
  'cleanup',
  'custody',
  'delete',
  'drain',
  'get',
  'mesh',
  'metrics',
  'node',
  'pool',
  'put',
  'rebalance',
  'repair',
  'store',
  'traces',
] as const;
export type EventSource = (typeof EVENT_SOURCES)[number];

export interface EventView {
  /** Counts up by one from the engine's start. */
  seq: number;
  atMs: number;
  level: EventLevel;
  source: string;
  text: string;
}

export interface EventQuery {
  /** Only those after the event with this number. */
  afterSeq?: number | undefined;
}

export interface EventCalls {
  /** Those kept in memory (500; `debug` is not), newest last. */
  events(query?: EventQuery): Promise<EventView[]>;
}
