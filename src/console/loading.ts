/** Answers for drill-downs: the catalog page by page, and what the holders say of one object. */
import type { Engine } from '../engine/engine.ts';
import { asDatameshError } from '../errors.ts';
import type { ObjectRow, PanelId } from '../panels/panel.ts';
import { jobLoaded, objectLoaded, objectsLoaded } from './arrivals.ts';
import type { ConsoleState } from './state.ts';

/** Read at once: a page is parsed between two keys. */
const PAGE_OBJECTS = 500;
/** A person does not scroll through more; `search` and `list` find the others. */
const MAX_OBJECTS = 100_000;
const STRIPE_LIMIT = 64;

export interface LoaderDeps {
  engine(): Promise<Engine>;
  getState(): ConsoleState;
  /** `later`: with the next frame. */
  set(next: ConsoleState, when: 'now' | 'later'): void;
}

export interface Loader {
  /** `pool`: only its objects. */
  objects(panel: PanelId, pool: string | undefined): Promise<void>;
  object(panel: PanelId, ref: string): Promise<void>;
  /** What a job has said so far. */
  job(id: string): Promise<void>;
}

export function createLoader({ engine, getState, set }: LoaderDeps): Loader {
  /** Of each panel, the list that is being read: a list that was left and opened again is read anew. */
  const reading = new Map<PanelId, object>();
  /** Jobs whose log is being asked for: a slow engine gets no second question about one. */
  const asking = new Set<string>();
  /** As the engine counts them: what is of no pool that is known is the default's. */
  const knownPool = (name: string | undefined) =>
    getState().snapshot?.pools.some((pool) => pool.name === name) ? name : 'default';
  return {
    async objects(panel, pool) {
      const own = {};
      reading.set(panel, own);
      const wanted = () =>
        reading.get(panel) === own && getState().panels[panel].drill.some(({ kind }) => kind === 'objects');
      const rows: ObjectRow[] = [];
      try {
        const open = await engine();
        let cursor: string | undefined;
        let shown = 0;
        do {
          const page = await open.list({ limit: PAGE_OBJECTS, ...(cursor === undefined ? {} : { cursor }) });
          if (!wanted()) return;
          for (const { name, objectId, sizeBytes, code, tags, createdAtMs, pool: own } of page.objects)
            if (pool === undefined || knownPool(own) === pool)
              rows.push({ name, objectId, sizeBytes, code, tags, createdAtMs });
          cursor = rows.length < MAX_OBJECTS ? page.cursor : undefined;
          // Shown at the first page, then whenever half as many again have come: each list shown is copied, filtered and sorted.
          if (shown === 0 || rows.length >= shown * 1.5 || cursor === undefined) {
            set(
              objectsLoaded(getState(), panel, [...rows], cursor === undefined),
              shown === 0 ? 'now' : 'later',
            );
            shown = rows.length;
          }
        } while (cursor !== undefined);
      } catch (error) {
        if (wanted()) set(objectsLoaded(getState(), panel, asDatameshError(error).message, true), 'now');
      }
    },
    async object(panel, ref) {
      try {
        const detail = await (await engine()).info(ref, { stripeLimit: STRIPE_LIMIT });
        set(objectLoaded(getState(), panel, ref, detail), 'now');
      } catch (error) {
        set(objectLoaded(getState(), panel, ref, asDatameshError(error).message), 'now');
      }
    },
    async job(id) {
      if (asking.has(id)) return;
      asking.add(id);
      try {
        const job = await (await engine()).jobs.show(id);
        set(jobLoaded(getState(), job), 'later');
      } catch (error) {
        set(jobLoaded(getState(), { id, error: asDatameshError(error).message }), 'later');
      } finally {
        asking.delete(id);
      }
    },
  };
}
