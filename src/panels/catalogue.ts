/** All panels by id: how each is drawn, how it starts, how it sorts, what its rows are. */
import type { Snapshot } from '../engine/engine.ts';
import { bandwidthPanel } from './bandwidth.ts';
import type { Row } from './cells.ts';
import { arrangeEvents, EVENT_SORTS, eventsPanel } from './events.ts';
import { healthPanel } from './health.ts';
import { arrangeObjects } from './health-drill.ts';
import { arrangeJobs, JOB_SORTS, jobsPanel } from './jobs.ts';
import {
  framed,
  initialPanel,
  PANELS,
  type PanelBody,
  type PanelId,
  type PanelInput,
  type PanelState,
} from './panel.ts';
import { arrangePeers, PEER_SORTS, peersPanel } from './peers.ts';
import { storagePanel } from './storage.ts';

const DRAW: Readonly<Record<PanelId, (input: PanelInput) => PanelBody>> = {
  peers: peersPanel,
  health: healthPanel,
  bandwidth: bandwidthPanel,
  jobs: jobsPanel,
  events: eventsPanel,
  storage: storagePanel,
};

export const SORTS: Readonly<Record<PanelId, readonly string[]>> = {
  peers: PEER_SORTS,
  health: [],
  bandwidth: [],
  jobs: JOB_SORTS,
  events: EVENT_SORTS,
  storage: [],
};

export function initialPanels(): Record<PanelId, PanelState> {
  return {
    peers: initialPanel('rtt'),
    health: initialPanel(),
    bandwidth: initialPanel(),
    jobs: initialPanel('state'),
    events: initialPanel('all'),
    storage: initialPanel(),
  };
}

/** A panel as framed rows. One that throws shows its error and leaves the rest of the screen alone. */
export function drawPanel(id: PanelId, input: PanelInput): Row[] {
  const number = PANELS.indexOf(id) + 1;
  let body: PanelBody;
  try {
    body = DRAW[id](input);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    body = { title: id, tags: [], rows: [[{ text: `this panel failed: ${text}`, tone: 'bad' }]] };
  }
  return framed(body, input, number);
}

/** Ids of the rows a person can move over, in the order shown. */
export function rowIds(id: PanelId, snapshot: Snapshot | undefined, state: PanelState): string[] {
  if (snapshot === undefined) return [];
  const drill = state.drill.at(-1);
  if (id === 'health' && drill?.kind === 'objects') {
    return arrangeObjects(drill.objects ?? [], snapshot.health, state.filter).map(
      ({ object }) => object.name,
    );
  }
  if (drill !== undefined) return [];
  if (id === 'peers') return arrangePeers(snapshot.peers, state).map((peer) => peer.peerId);
  if (id === 'jobs') return arrangeJobs(snapshot.jobs, state).map((job) => job.id);
  if (id === 'events') return arrangeEvents(snapshot.events, state).map((event) => String(event.seq));
  return [];
}
