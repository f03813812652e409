/** Below the bandwidth panel: who and what the traffic was with. */
import type { PeerView, Snapshot } from '../engine/engine.ts';
import { cell, type Row } from './cells.ts';
import { bytesText, rateText } from './format.ts';
import { type PanelBody, type PanelInput, scrolled } from './panel.ts';
import { peerName } from './peers.ts';
import { fittingColumns, headerRow, itemRow, type TableColumn } from './table.ts';

interface Line {
  name: string;
  up: number | undefined;
  down: number | undefined;
  sentBytes: number;
  receivedBytes: number;
}

/** Peers by what passes now and then by what has passed; below them the protocols. A screen shows some of them, so no more are drawn. */
const PEERS_DRAWN = 500;

export function trafficTable(snapshot: Snapshot, input: PanelInput): PanelBody {
  const { theme, width, height } = input;
  const rate = (value: number | undefined) =>
    value === undefined || value === 0 ? theme.glyphs.none : rateText(value);
  const figure = (title: string, priority: number, text: (line: Line) => string): TableColumn<Line> => ({
    title,
    width: 9,
    align: 'right',
    priority,
    text,
  });
  const columnsFor = (what: string) =>
    fittingColumns<Line>(
      [
        { title: what, width: 14, priority: 0, elastic: true, text: ({ name }) => name },
        figure('UP', 1, ({ up }) => rate(up)),
        figure('DOWN', 1, ({ down }) => rate(down)),
        figure('SENT', 0, ({ sentBytes }) => bytesText(sentBytes)),
        figure('RECEIVED', 0, ({ receivedBytes }) => bytesText(receivedBytes)),
      ],
      width - 4,
    );
  const table = (what: string, lines: readonly Line[]): Row[] => {
    const columns = columnsFor(what);
    return [headerRow(columns), ...lines.map((line) => itemRow(columns, line, false, theme.glyphs.more))];
  };
  const peers = [...snapshot.peers].sort(byTraffic);
  const protocols = [...snapshot.bandwidth.byProtocol].sort(
    (a, b) => b.sentBytes + b.receivedBytes - a.sentBytes - a.receivedBytes,
  );
  const rows: Row[] = [
    ...table('PEER', peers.slice(0, PEERS_DRAWN).map(peerLine)),
    ...(peers.length > PEERS_DRAWN
      ? [[cell(`${theme.glyphs.more} ${peers.length - PEERS_DRAWN} more: peers --sort up`, 'dim')]]
      : []),
    [],
    ...table(
      'PROTOCOL',
      protocols.map(({ protocol, ...bytes }) => ({
        name: protocol,
        up: undefined,
        down: undefined,
        ...bytes,
      })),
    ),
  ];
  return {
    title: 'Bandwidth: by peer and protocol',
    tags: [`${peers.length} peers`, 'Esc back'],
    rows: scrolled(rows, input.state, height - 2),
  };
}

function peerLine(peer: PeerView): Line {
  const { upBytesPerSecond: up, downBytesPerSecond: down, sentBytes, receivedBytes } = peer;
  return { name: peerName(peer), up, down, sentBytes, receivedBytes };
}

function byTraffic(a: PeerView, b: PeerView): number {
  const now = (peer: PeerView) => peer.upBytesPerSecond + peer.downBytesPerSecond;
  const ever = (peer: PeerView) => peer.sentBytes + peer.receivedBytes;
  return now(b) - now(a) || ever(b) - ever(a) || (a.peerId < b.peerId ? -1 : 1);
}
