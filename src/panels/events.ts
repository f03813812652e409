/** Panel 5: the newest events at the bottom, as a log reads. Enter shows one in full. */
import type { EventLevel, EventView } from '../engine/engine.ts';
import { cell, type Row, type Tone, wrapRow } from './cells.ts';
import { filterOf, type Searchable } from './filter.ts';
import { clockText } from './format.ts';
import { type PanelBody, type PanelInput, type PanelState, scrolled, selectedIn, waiting } from './panel.ts';
import { remembering } from './remember.ts';
import { windowStart } from './table.ts';

export const EVENT_SORTS = ['all', 'warn', 'error'] as const;
const RANK: Readonly<Record<EventLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const TONE: Readonly<Record<EventLevel, Tone>> = { debug: 'dim', info: 'dim', warn: 'warn', error: 'bad' };

const SEARCHABLE: Searchable<EventView> = {
  text: (event) => `${event.level} ${event.source} ${event.text}`,
  fields: new Map([
    ['level', (event) => event.level],
    ['source', (event) => event.source],
  ]),
};

/** `sort` chooses the least level here: a log has no other order than time. */
export function arrangeEvents(events: readonly EventView[], state: PanelState): readonly EventView[] {
  return arranged(events, state.sort, state.filter);
}

const arranged = remembering(
  (events: readonly EventView[], sort: string, filter: string): readonly EventView[] => {
    const least = sort === 'error' ? 3 : sort === 'warn' ? 2 : 0;
    const passes = filterOf(filter, SEARCHABLE);
    return events.filter((event) => RANK[event.level] >= least && passes(event));
  },
);

export function eventsPanel(input: PanelInput): PanelBody {
  const { snapshot, state } = input;
  if (snapshot === undefined) return waiting('Events');
  const drill = state.drill.at(-1);
  if (drill?.kind === 'event') return eventDetail(snapshot.events, drill.seq, input);
  const events = arrangeEvents(snapshot.events, state);
  const room = input.height - 2;
  const selected = selectedIn(input);
  const index = selected === undefined ? -1 : events.findIndex((event) => String(event.seq) === selected);
  const first = index < 0 ? Math.max(0, events.length - room) : windowStart(index, events.length, room);
  const rows = events
    .slice(first, first + room)
    .map((event) => eventRow(event, String(event.seq) === selected));
  const level = state.sort === 'all' ? [] : [`level:${state.sort}+`];
  const tags = [...level, index < 0 ? 'follow' : `${index + 1}/${events.length}`];
  const empty = snapshot.events.length === 0 ? 'no events yet' : 'no event passes the filter';
  return { title: 'Events', tags, rows: rows.length === 0 ? [[cell(empty, 'dim')]] : rows };
}

function eventRow(event: EventView, selected: boolean): Row {
  const tone = (own: Tone): Tone => (selected ? 'selected' : own);
  return [
    cell(`${clockText(event.atMs)} `, tone('dim')),
    cell(`${event.level.toUpperCase().padEnd(5)} `, tone(TONE[event.level])),
    cell(`${event.source.padEnd(6)} `, tone('dim')),
    cell(oneLine(event.text), tone('plain')),
  ];
}

function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}

function eventDetail(events: readonly EventView[], seq: number, input: PanelInput): PanelBody {
  const event = events.find((each) => each.seq === seq);
  const title = `Event ${seq}`;
  if (event === undefined) return { title, tags: ['Esc back'], rows: [[cell('no longer in memory', 'dim')]] };
  const rows: Row[] = [
    [cell('time    ', 'dim'), cell(new Date(event.atMs).toISOString())],
    [cell('level   ', 'dim'), cell(event.level, TONE[event.level])],
    [cell('source  ', 'dim'), cell(event.source)],
    ...wrapRow([cell('text    ', 'dim'), cell(oneLine(event.text))], input.width - 4, 8),
  ];
  return { title, tags: ['Esc back'], rows: scrolled(rows, input.state, input.height - 2) };
}
