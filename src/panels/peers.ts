/** Panel 1: the peers, one a row; Enter shows all that is known of one. */
import type { PeerState, PeerView, Snapshot } from '../engine/engine.ts';
import { cell, type Row, type Tone } from './cells.ts';
import { filterOf, type Searchable } from './filter.ts';
import {
  agoText,
  bytesText,
  countText,
  durationText,
  latencyText,
  percentText,
  rateText,
  shortId,
} from './format.ts';
import { areaGraph, sparkline } from './graph.ts';
import { type PanelBody, type PanelInput, type PanelState, scrolled, selectedIn, waiting } from './panel.ts';
import { remembering } from './remember.ts';
import { listRows, type TableColumn } from './table.ts';
import type { Glyphs, Theme } from './theme.ts';

export const PEER_SORTS = ['rtt', 'name', 'up', 'down', 'shards', 'seen', 'state'] as const;
const SPARK_COLUMNS = 10;

const STATE_TONE: Readonly<Record<PeerState, Tone>> = {
  active: 'ok',
  joining: 'accent',
  suspect: 'warn',
  draining: 'warn',
  offline: 'dim',
  quarantined: 'bad',
};

function stateMark(state: PeerState, glyphs: Glyphs): string {
  if (state === 'active') return glyphs.idle;
  if (state === 'offline' || state === 'joining') return glyphs.off;
  return state === 'quarantined' ? glyphs.bad : glyphs.warn;
}

/** A ban of this node's own says more than that the peer is offline. */
function stateText({ state, banned }: PeerView, glyphs: Glyphs): string {
  return banned ? `${glyphs.bad} banned` : `${stateMark(state, glyphs)} ${state}`;
}

function stateTone({ state, banned }: PeerView): Tone {
  return banned ? 'bad' : STATE_TONE[state];
}

export function peerName(peer: PeerView): string {
  return peer.name ?? shortId(peer.peerId);
}

/** Peers that pass the filter in the chosen order; ties break by id so rows do not flip. */
export function arrangePeers(peers: readonly PeerView[], state: PanelState): readonly PeerView[] {
  return arranged(peers, state.sort, state.reverse, state.filter);
}

const SEARCHABLE: Searchable<PeerView> = {
  text: (peer) =>
    [
      peerName(peer),
      peer.ownName,
      peer.banned ? 'banned' : '',
      peer.peerId,
      peer.address,
      peer.zone,
      peer.rack,
      peer.state,
    ].join(' '),
  fields: new Map([
    ['state', (peer) => (peer.banned ? 'banned' : peer.state)],
    ['zone', (peer) => peer.zone ?? ''],
    ['rack', (peer) => peer.rack ?? ''],
    ['name', peerName],
  ]),
};

const arranged = remembering(
  (peers: readonly PeerView[], sort: string, reverse: boolean, filter: string): readonly PeerView[] => {
    const kept = filter === '' ? [...peers] : peers.filter(filterOf(filter, SEARCHABLE));
    const order = ORDERS[sort as (typeof PEER_SORTS)[number]] ?? ORDERS.rtt;
    const direction = reverse ? -1 : 1;
    return kept.sort((a, b) => order(a, b) * direction || (a.peerId < b.peerId ? -1 : 1));
  },
);

/** Who is offline answers nobody: what it was and said last is told with its age, in the details. */
const live = (peer: PeerView): Pick<PeerView, 'rttMs' | 'shards' | 'freeBytes'> =>
  peer.state === 'offline' ? { rttMs: undefined, shards: undefined, freeBytes: undefined } : peer;

const gap = (x: number, y: number) => (x === y ? 0 : x < y ? -1 : 1);
const byWords = new Intl.Collator();

/** What was not measured goes last in either order of interest. */
const ORDERS: Readonly<Record<(typeof PEER_SORTS)[number], (a: PeerView, b: PeerView) => number>> = {
  rtt: (a, b) => gap(live(a).rttMs ?? Number.POSITIVE_INFINITY, live(b).rttMs ?? Number.POSITIVE_INFINITY),
  name: (a, b) => byWords.compare(peerName(a), peerName(b)),
  up: (a, b) => gap(b.upBytesPerSecond, a.upBytesPerSecond),
  down: (a, b) => gap(b.downBytesPerSecond, a.downBytesPerSecond),
  shards: (a, b) => gap(live(b).shards ?? -1, live(a).shards ?? -1),
  seen: (a, b) => gap(b.lastSeenMs ?? 0, a.lastSeenMs ?? 0),
  state: (a, b) => byWords.compare(a.state, b.state),
};

function columns(theme: Theme, nowMs: number): TableColumn<PeerView>[] {
  const { glyphs } = theme;
  const none = glyphs.none;
  const rate = (value: number) => (value === 0 ? none : rateText(value));
  const optional = <T>(value: T | undefined, text: (value: T) => string) =>
    value === undefined ? none : text(value);
  return [
    { title: 'PEER', width: 12, priority: 0, elastic: true, text: peerName },
    {
      title: 'DIR',
      width: 3,
      priority: 6,
      text: (peer) => ({ inbound: 'in', outbound: 'out' })[peer.direction as 'inbound'] ?? none,
    },
    { title: 'TRANSPORT', width: 9, priority: 10, text: (peer) => peer.transport ?? none },
    {
      title: 'ZONE',
      width: 8,
      priority: 7,
      text: (peer) => optional(peer.zone, (zone) => (peer.rack ? `${zone}/${peer.rack}` : zone)),
    },
    { title: 'AGENT', width: 16, priority: 11, text: (peer) => peer.agent ?? none },
    {
      title: 'RTT',
      width: 6,
      align: 'right',
      priority: 0,
      text: (peer) => optional(live(peer).rttMs, latencyText),
    },
    {
      title: '60s',
      width: SPARK_COLUMNS,
      priority: 4,
      text: (peer) => sparkline(lastMinute(peer), SPARK_COLUMNS, glyphs, 'least'),
      tone: () => 'dim',
    },
    { title: 'UP', width: 9, align: 'right', priority: 2, text: (peer) => rate(peer.upBytesPerSecond) },
    { title: 'DOWN', width: 9, align: 'right', priority: 2, text: (peer) => rate(peer.downBytesPerSecond) },
    {
      title: 'SHARDS',
      width: 6,
      align: 'right',
      priority: 3,
      text: (peer) => optional(live(peer).shards, countText),
    },
    {
      title: 'FREE',
      width: 8,
      align: 'right',
      priority: 9,
      text: (peer) => optional(live(peer).freeBytes, bytesText),
    },
    { title: 'OK', width: 5, align: 'right', priority: 8, text: (peer) => okShare(peer, none) },
    {
      title: 'SEEN',
      width: 4,
      align: 'right',
      priority: 5,
      text: (peer) => optional(peer.lastSeenMs, (at) => agoText(nowMs - at)),
    },
    {
      title: 'STATE',
      width: glyphs.unicode ? 13 : 15,
      priority: 0,
      text: (peer) => stateText(peer, glyphs),
      tone: stateTone,
    },
  ];
}

/** Six seconds a cell: the greatest of each, so that a spike is not lost. */
function lastMinute(peer: PeerView): (number | undefined)[] {
  const history = peer.rttHistoryMs;
  const step = Math.ceil(60 / SPARK_COLUMNS);
  const out: (number | undefined)[] = [];
  for (let end = history.length; end > 0 && out.length < SPARK_COLUMNS; end -= step) {
    const part = history.slice(Math.max(0, end - step), end).filter((value) => value !== undefined);
    out.unshift(part.length === 0 ? undefined : Math.max(...part));
  }
  return out;
}

function okShare(peer: PeerView, none: string): string {
  return peer.requests === 0 ? none : percentText((peer.requests - peer.failures) / peer.requests);
}

export function peersPanel(input: PanelInput): PanelBody {
  const { snapshot, state, theme, width, height } = input;
  const drill = state.drill.at(-1);
  if (snapshot === undefined) return waiting('Peers');
  if (drill?.kind === 'peer') return peerDetail(snapshot, drill.peerId, input);
  const peers = arrangePeers(snapshot.peers, state);
  const arrow = state.reverse ? theme.glyphs.desc : theme.glyphs.asc;
  const title = `Peers ${snapshot.status.peersConnected}/${snapshot.peers.length}`;
  const filtered = peers.length < snapshot.peers.length;
  return {
    title,
    tags: [`sort:${state.sort}${arrow}`, ...(filtered ? [`${peers.length} shown`] : [])],
    rows: listRows({
      columns: columns(theme, input.nowMs),
      items: peers,
      idOf: (peer) => peer.peerId,
      selectedId: selectedIn(input),
      marked: state.marked,
      width: width - 4,
      height: height - 2,
      empty: filtered
        ? 'no peer passes the filter'
        : 'no peers yet: give one with "bootstrap <address>", or start another node',
      mark: theme.glyphs.more,
    }),
  };
}

function peerDetail(snapshot: Snapshot, peerId: string, input: PanelInput): PanelBody {
  const { theme, nowMs, width, height } = input;
  const none = theme.glyphs.none;
  const peer = snapshot.peers.find((each) => each.peerId === peerId);
  if (peer === undefined) {
    return { title: 'Peer', tags: [], rows: [[cell(`${shortId(peerId)} is no longer known`, 'warn')]] };
  }
  const line = (label: string, text: string, tone: Tone = 'plain'): Row => [
    cell(label.padEnd(11), 'dim'),
    cell(text, tone),
  ];
  const ago = (at: number | undefined) => (at === undefined ? none : `${durationText(nowMs - at)} ago`);
  const place = [peer.zone, peer.rack].filter((part) => part !== undefined).join(' / ');
  const rows: Row[] = [
    line('id', peer.peerId),
    ...(peer.nickname === undefined ? [] : [line('name', `calls itself ${peer.ownName ?? none}`)]),
    line('state', stateText(peer, theme.glyphs), stateTone(peer)),
    line('address', peer.address ?? none),
    line(
      'role',
      `${peer.role ?? none}, ${peer.eligible ? 'may hold our shards' : 'holds no shards of ours'}`,
    ),
    line('zone, rack', place === '' ? none : place),
    line('agent', peer.agent ?? peer.version ?? none),
    line(
      'connected',
      `${ago(peer.connectedAtMs)}${peer.direction === undefined ? '' : `, ${peer.direction}`}`,
    ),
    line('last seen', ago(peer.lastSeenMs)),
    line(
      'traffic',
      `sent ${bytesText(peer.sentBytes)}, received ${bytesText(peer.receivedBytes)}${ofWhichTls(peer)}`,
    ),
    line(
      'requests',
      `${countText(peer.requests)}, ${countText(peer.failures)} failed`,
      peer.failures > 0 ? 'warn' : 'plain',
    ),
    line(
      'reputation',
      `${Math.round(peer.score)} of 100, breaker ${peer.breaker}`,
      peer.breaker === 'closed' && peer.score >= 35 ? 'plain' : 'warn',
    ),
    line(
      'shards in',
      peer.latencyP50Ms === undefined || peer.latencyP95Ms === undefined
        ? none
        : `${latencyText(peer.latencyP50Ms)} median, ${latencyText(peer.latencyP95Ms)} for 95 %`,
    ),
    line(
      'store',
      `${peer.shards === undefined ? none : countText(peer.shards)} shards, ${peer.freeBytes === undefined ? none : bytesText(peer.freeBytes)} free${peer.state === 'offline' ? ', as it said last' : ''}`,
    ),
    ...rttGraph(peer, theme, width - 4),
  ];
  return {
    title: `Peer ${peerName(peer)}`,
    tags: ['Esc back'],
    rows: scrolled(rows, input.state, height - 2),
  };
}

function ofWhichTls({ planes: { tls } }: PeerView): string {
  const bytes = tls.sentBytes + tls.receivedBytes;
  return bytes === 0 ? '' : `; ${bytesText(bytes)} of it over TLS`;
}

function rttGraph(peer: PeerView, theme: Theme, width: number): Row[] {
  const values = peer.rttHistoryMs.filter((value) => value !== undefined);
  if (values.length === 0) return [];
  const top = Math.max(...values);
  const graph = areaGraph(
    peer.rttHistoryMs.map((value) => value ?? 0),
    Math.min(60, width - 11),
    3,
    top,
    theme.glyphs,
  );
  return graph.map((text, at) => [
    cell((at === 0 ? 'rtt 60s' : at === 1 ? `max ${latencyText(top)}` : '').padEnd(11), 'dim'),
    cell(text, 'accent'),
  ]);
}
