/** What all panels share: their ids, the state a person gives them, the data they are drawn from, and the frame. */
import type { ObjectDetail, ObjectView, Snapshot } from '../engine/engine.ts';
import type { JobDetail } from '../engine/views/jobs.ts';
import { cell, cut, dimmed, fitRow, type Row, rowWidth, widthOf } from './cells.ts';
import { agoText } from './format.ts';
import type { Theme } from './theme.ts';

export type PanelId = 'peers' | 'health' | 'bandwidth' | 'jobs' | 'events' | 'storage';
export const PANELS: readonly PanelId[] = ['peers', 'health', 'bandwidth', 'jobs', 'events', 'storage'];

/** Engine samples once a second; data older than this many samples is no longer shown as live (ux.md D.3). */
export const STALE_SAMPLES = 3;
export const SAMPLE_MS = 1000;

/** What a job has said, with the state in which it was asked: of one that has ended it is asked once. */
export type JobLog = Pick<JobDetail, 'log' | 'logDropped' | 'state'>;

export type Arrangement = Pick<PanelState, 'sort' | 'reverse' | 'filter'>;

/** A level below the list that Enter opened. */
export type Drill =
  | { kind: 'peer'; peerId: string }
  | {
      kind: 'objects';
      objects: readonly ObjectRow[] | undefined;
      complete: boolean;
      error: string | undefined;
      /** Only of this pool. */
      pool?: string | undefined;
      /** How the list was arranged that it was opened from. */
      before?: Arrangement | undefined;
    }
  | { kind: 'object'; ref: string; name: string; detail: ObjectDetail | undefined; error: string | undefined }
  | { kind: 'event'; seq: number }
  | {
      kind: 'job';
      id: string;
      /** Undefined until it has been read. */
      log: JobLog | undefined;
      error: string | undefined;
    }
  | { kind: 'traffic' };

/** What a list of objects needs to know of each: a catalog may have a hundred thousand. */
export type ObjectRow = Pick<ObjectView, 'name' | 'objectId' | 'sizeBytes' | 'code' | 'tags' | 'createdAtMs'>;

/** Of the bandwidth panel's graphs. */
export const WINDOWS = ['60s', '10m', '24h'] as const;

export interface PanelState {
  selectedId: string | undefined;
  sort: string;
  reverse: boolean;
  filter: string;
  /** Ids marked with Space, to be copied together. */
  marked: readonly string[];
  /** Ids that stay at the top, in whatever order. */
  kept: readonly string[];
  /** Innermost last. */
  drill: readonly Drill[];
  window: (typeof WINDOWS)[number];
  /** First row of a drilled-down text that is in sight. */
  scroll: number;
}

/** The row that is shown as selected. */
export function selectedIn({ focused, browsed, state }: PanelInput): string | undefined {
  return focused || browsed === true ? state.selectedId : undefined;
}

export interface PanelInput {
  snapshot: Snapshot | undefined;
  /** Peers connected, one figure a sample, oldest first. */
  peerTrend: readonly number[];
  nowMs: number;
  /** Age of the snapshot in samples is above STALE_SAMPLES. */
  stale: boolean;
  state: PanelState;
  focused: boolean;
  /** The wheel moved it while the keyboard was elsewhere: its selected row is shown all the same. */
  browsed?: boolean;
  /** The filter while it is being typed. */
  typingFilter: string | undefined;
  width: number;
  height: number;
  theme: Theme;
}

/** Ages are told in whole seconds and drawn anew each second: a panel this much younger may stand. */
const SAME_MOMENT_MS = 500;

/** Whether both give the same rows, or rows whose ages differ by less than is told. */
export function sameInput(before: PanelInput, after: PanelInput): boolean {
  const { nowMs: beforeMs, ...drawn } = before;
  const { nowMs, ...wanted } = after;
  const ageMs = nowMs - beforeMs;
  const keys = Object.keys(wanted) as (keyof typeof wanted)[];
  return ageMs >= 0 && ageMs < SAME_MOMENT_MS && keys.every((key) => drawn[key] === wanted[key]);
}

/** The inside of a panel and what stands in its frame. */
export interface PanelBody {
  title: string;
  /** Short facts after the title: "sort:rtt▲". */
  tags: readonly string[];
  rows: readonly Row[];
}

export function initialPanel(sort = '', reverse = false): PanelState {
  return {
    selectedId: undefined,
    sort,
    reverse,
    filter: '',
    marked: [],
    kept: [],
    window: '60s',
    drill: [],
    scroll: 0,
  };
}

/** Framed rows, exactly `height` of exactly `width`. */
export function framed(body: PanelBody, input: PanelInput, number: number): Row[] {
  const { theme, width, height, focused } = input;
  const { box } = theme.glyphs;
  const edge = focused ? 'accent' : 'dim';
  const age = input.snapshot === undefined ? undefined : input.nowMs - input.snapshot.atMs;
  const inner = width - 4;
  const live = input.stale ? dimmed(body.rows) : body.rows;
  const rows: Row[] = [topEdge(body, input, number, age)];
  for (let at = 0; at < height - 2; at++) {
    const content = fitRow(live[at] ?? [], inner, theme.glyphs.more);
    rows.push([cell(`${box.v} `, edge), ...content, cell(` ${box.v}`, edge)]);
  }
  rows.push([cell(box.bl + box.h.repeat(width - 2) + box.br, edge)]);
  return rows;
}

function topEdge(body: PanelBody, input: PanelInput, number: number, age: number | undefined): Row {
  const { theme, width, focused } = input;
  const { box } = theme.glyphs;
  const edge = focused ? 'accent' : 'dim';
  const room = width - 5;
  const tags = [...body.tags];
  if (input.typingFilter !== undefined) tags.push(`/${input.typingFilter}_`);
  else if (input.state.filter !== '') tags.push(`/${input.state.filter}`);
  if (input.state.marked.length > 0) tags.push(`${input.state.marked.length} marked`);
  if (input.stale && age !== undefined) tags.unshift(`stale ${agoText(age)}`);
  const name = cut(number > 0 ? `${number} ${body.title}` : body.title, room);
  const row: Row[number][] = [cell(`${box.tl}${box.h} `, edge), cell(name, focused ? 'accent' : 'title')];
  let used = widthOf(name);
  for (const tag of tags) {
    if (used + 2 + widthOf(tag) > room) continue;
    row.push(cell(`  ${tag}`, tag.startsWith('stale') ? 'warn' : 'dim'));
    used += 2 + widthOf(tag);
  }
  row.push(cell(` ${box.h.repeat(Math.max(0, width - 2 - rowWidth(row)))}${box.tr}`, edge));
  return row;
}

/** "No data yet", said in one way by every panel. */
export function waiting(title: string): PanelBody {
  return { title, tags: [], rows: [[cell('waiting for the first sample', 'dim')]] };
}

/** A drilled-down text with its scroll: `rows` from `scroll` on. */
export function scrolled(rows: readonly Row[], state: PanelState, height: number): readonly Row[] {
  const first = Math.max(0, Math.min(state.scroll, rows.length - height));
  return rows.slice(first, first + height);
}
