/** What comes from the engine, put into the state: samples, and the answers for drill-downs. */
import type { ObjectDetail, ObjectView, Snapshot } from '../engine/engine.ts';
import type { Drill } from '../panels/panel.ts';
import type { EngineLink } from './session.ts';
import type { ConsoleState } from './state.ts';

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

/** Puts an answer where it was asked for; one for a level that was left meanwhile is dropped. */
export function drillLoaded(
  state: ConsoleState,
  ref: string,
  value: unknown,
  error: string | undefined,
): ConsoleState {
  const health = state.panels.health;
  const drill = health.drill.map((level): Drill => {
    if (level.kind === 'objects' && ref === 'objects') {
      return { ...level, objects: value as readonly ObjectView[] | undefined, error };
    }
    if (level.kind === 'object' && level.ref === ref) {
      return { ...level, detail: value as ObjectDetail | undefined, error };
    }
    return level;
  });
  return { ...state, panels: { ...state.panels, health: { ...health, drill } } };
}
