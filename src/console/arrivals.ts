/** What comes from the engine, put into the state: samples, and the answers for drill-downs. */
import type { ObjectDetail, Snapshot } from '../engine/engine.ts';
import type { JobDetail } from '../engine/views/jobs.ts';
import type { Drill, ObjectRow, PanelId } from '../panels/panel.ts';
import type { EngineLink } from './session-contract.ts';
import { type ConsoleState, withPanel } from './state.ts';

/** Points of the peer sparkline. */
const TREND = 60;

export function withSample(state: ConsoleState, snapshot: Snapshot, kind: EngineLink['kind']): ConsoleState {
  const peerTrend = [...state.peerTrend, snapshot.status.peersConnected].slice(-TREND);
  const engine = {
    state: kind === 'attached' ? ('attached' as const) : ('online' as const),
    error: undefined,
  };
  return { ...state, snapshot, peerTrend, engine };
}

/** What has been read of the catalog, or why it could not be; for a list that was left meanwhile it is dropped. */
export function objectsLoaded(
  state: ConsoleState,
  panel: PanelId,
  answer: readonly ObjectRow[] | string,
  complete: boolean,
): ConsoleState {
  return inDrill(state, panel, (level) => {
    if (level.kind !== 'objects') return level;
    return typeof answer === 'string'
      ? { ...level, error: answer }
      : { ...level, objects: answer, complete, error: undefined };
  });
}

export function objectLoaded(
  state: ConsoleState,
  panel: PanelId,
  ref: string,
  answer: ObjectDetail | string,
): ConsoleState {
  return inDrill(state, panel, (level) => {
    if (level.kind !== 'object' || level.ref !== ref) return level;
    return typeof answer === 'string' ? { ...level, error: answer } : { ...level, detail: answer };
  });
}

/** The job that is looked at, where its log may have grown since it was read. */
export function jobToAsk({ panels, snapshot }: ConsoleState): string | undefined {
  const drill = panels.jobs.drill.at(-1);
  if (drill?.kind !== 'job' || drill.error !== undefined) return undefined;
  const job = snapshot?.jobs.find(({ id }) => id === drill.id);
  return job === undefined || (drill.log !== undefined && drill.log.state !== 'running')
    ? undefined
    : drill.id;
}

export function jobLoaded(
  state: ConsoleState,
  answer: Pick<JobDetail, 'id' | 'state' | 'log' | 'logDropped'> | { id: string; error: string },
): ConsoleState {
  return inDrill(state, 'jobs', (level) => {
    if (level.kind !== 'job' || level.id !== answer.id) return level;
    if ('log' in answer) {
      const { state: asked, log, logDropped } = answer;
      return { ...level, log: { state: asked, log, logDropped }, error: undefined };
    }
    return { ...level, error: answer.error };
  });
}

function inDrill(state: ConsoleState, panel: PanelId, change: (level: Drill) => Drill): ConsoleState {
  return withPanel(state, panel, { drill: state.panels[panel].drill.map(change) });
}
