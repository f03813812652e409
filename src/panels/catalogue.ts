/** All panels by id: how each is drawn, how it starts, how it sorts, what its rows are. */
import type { EventView, PeerView, Snapshot } from '../engine/engine.ts';
import { bandwidthPanel } from './bandwidth.ts';
import type { Row } from './cells.ts';
import { arrangeEvents, EVENT_SORTS, eventsPanel } from './events.ts';
import { healthPanel } from './health.ts';
import { arrangeObjects, type ListedObject, OBJECT_SORTS } from './health-drill.ts';
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
import { arrangePools, POOL_SORTS } from './pool-list.ts';
import { remembering } from './remember.ts';
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
  // Of the list of objects below it.
  health: OBJECT_SORTS,
  bandwidth: [],
  jobs: JOB_SORTS,
  events: EVENT_SORTS,
  storage: POOL_SORTS,
};

/** Orders of the list that is in sight: the objects of a pool have others than the pools. */
export function sortsOf(id: PanelId, state: PanelState): readonly string[] {
  return state.drill.length === 0 ? SORTS[id] : state.drill[0]?.kind === 'objects' ? OBJECT_SORTS : SORTS[id];
}

export function initialPanels(): Record<PanelId, PanelState> {
  return {
    peers: initialPanel('rtt'),
    health: initialPanel('spare'),
    bandwidth: initialPanel(),
    jobs: initialPanel('state'),
    events: initialPanel('all'),
    storage: initialPanel('stored'),
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
export function rowIds(id: PanelId, snapshot: Snapshot | undefined, state: PanelState): readonly string[] {
  if (snapshot === undefined) return NONE;
  const drill = state.drill.at(-1);
  if (drill?.kind === 'objects')
    return objectIds(arrangeObjects(drill.objects ?? NONE, snapshot.health, state));
  if (drill !== undefined) return NONE;
  if (id === 'peers') return peerIds(arrangePeers(snapshot.peers, state));
  if (id === 'jobs') return arrangeJobs(snapshot.jobs, state).map((job) => job.id);
  if (id === 'storage') return arrangePools(snapshot.pools, state).map(({ name }) => name);
  if (id === 'events') return eventIds(arrangeEvents(snapshot.events, state));
  return NONE;
}

const NONE: readonly never[] = [];
const objectIds = remembering((listed: readonly ListedObject[]) => listed.map(({ object }) => object.name));
const peerIds = remembering((peers: readonly PeerView[]): string[] => peers.map(({ peerId }) => peerId));
const eventIds = remembering((events: readonly EventView[]) => events.map(({ seq }) => String(seq)));
