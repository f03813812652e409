/** The fake engine with what single screen tests want of it: very many peers and objects, a broken part of its samples, an end of it. */
import type { Engine, ObjectView, PeerView, Snapshot } from '../../src/engine/engine.ts';
import type { ObjectId } from '../../src/engine/types.ts';
import { DatameshError } from '../../src/errors.ts';
import { FAKE_START_MS, type FakeEngine } from './fake-engine.ts';

export interface Oddities {
  /** Peers in each sample, with round trips that change from sample to sample. */
  crowd: boolean;
  /** So many objects in the catalog, in place of its own. */
  objects: number;
  /** Events in each sample, in place of its own. */
  events: number;
  /** This part of each sample is missing, as after a defect: its panel throws. */
  broken: string | undefined;
  /** After so many samples the engine does not answer any more. */
  diesAfter: number;
}

export function oddEngine(engine: FakeEngine, odd: Oddities): Engine {
  let crowd: PeerView[] | undefined;
  let samples = 0;
  const objects = objectsOf(odd.objects);
  const events = Array.from({ length: odd.events }, (_, at) => ({
    seq: at + 1,
    atMs: FAKE_START_MS - (odd.events - at) * 1000,
    level: at % 7 === 0 ? ('warn' as const) : ('info' as const),
    source: at % 3 === 0 ? 'mesh' : 'repair',
    text: `event number ${at + 1} of something that happened`,
  }));
  return {
    ...engine,
    async snapshot(): Promise<Snapshot> {
      if (++samples > odd.diesAfter) {
        throw new DatameshError('service-not-running', {
          what: 'the service has ended',
          mend: 'start it again',
        });
      }
      let snapshot = crowd === undefined ? await engine.snapshot() : { ...statusOnly(engine), peers: crowd };
      if (odd.crowd) {
        first ??= snapshot;
        crowd = snapshot.peers.map((peer, at) => ({
          ...peer,
          rttMs: ((at * 7919 + samples * 31) % 9000) / 10,
        }));
        snapshot = { ...snapshot, peers: crowd };
      }
      if (odd.events > 0) snapshot = { ...snapshot, events };
      return odd.broken === undefined
        ? snapshot
        : ({ ...snapshot, [odd.broken]: null } as unknown as Snapshot);
    },
    async list(query = {}) {
      if (odd.objects === 0) return engine.list(query);
      const from = Number(query.cursor ?? 0);
      const to = from + (query.limit ?? 1000);
      return { objects: objects.slice(from, to), cursor: to < objects.length ? String(to) : undefined };
    },
  };
}

/** The fake engine makes its peers anew for each sample, which ten thousand of them would be felt in; only the first is taken. */
let first: Snapshot | undefined;
function statusOnly(engine: FakeEngine): Snapshot {
  if (first === undefined) throw new Error('no sample was taken yet');
  return { ...first, atMs: engine.nowMs() };
}

function objectsOf(count: number): ObjectView[] {
  return Array.from({ length: count }, (_, at) => ({
    name: `archive/${String(Math.floor(at / 1000)).padStart(3, '0')}/document-${String(at).padStart(6, '0')}.pdf`,
    objectId: at.toString(16).padStart(64, '0') as ObjectId,
    version: 1,
    sizeBytes: (at * 7919) % 5_000_000,
    contentHash: at.toString(16).padStart(64, 'f'),
    mimeType: 'application/pdf',
    tags: [],
    code: { k: 4, m: 2 },
    chunkBytes: 4_194_304,
    stripes: 1,
    createdAtMs: FAKE_START_MS - at * 60_000,
    ownerKey: 'default',
    pool: 'default',
  }));
}
