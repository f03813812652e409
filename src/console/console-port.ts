/** What console commands (clear, history, set, exit) may do with the full console. */
import type { ConsolePort } from '../commands/console/port.ts';
import type { Clock } from '../engine/effects/clock.ts';
import type { History } from '../repl/history.ts';
import { VI_INSERT } from '../repl/vi.ts';
import type { ConsoleState } from './state.ts';
import { emptyTranscript } from './transcript.ts';

export interface PortDeps {
  clock: Clock;
  history: History;
  getState(): ConsoleState;
  set(next: ConsoleState): void;
  /** Tells the terminal to report the mouse, or not to. */
  tellMouse(on: boolean): void;
  quit(): void;
}

export function consolePort({ clock, history, getState, set, tellMouse, quit }: PortDeps): ConsolePort {
  return {
    history: () => history.entries(),
    clearHistory: () => history.clear(),
    clearOutput: () => set({ ...getState(), transcript: emptyTranscript() }),
    setRefresh: (refreshMs) => set({ ...getState(), refreshMs }),
    refreshMs: () => getState().refreshMs,
    editorMode: () => (getState().prompt.vi === undefined ? 'emacs' : 'vi'),
    setEditorMode(mode) {
      const state = getState();
      set({ ...state, prompt: { ...state.prompt, vi: mode === 'vi' ? VI_INSERT : undefined } });
    },
    mouse: () => getState().mouse,
    setMouse(on) {
      set({ ...getState(), mouse: on, browsed: undefined });
      tellMouse(on);
    },
    quit,
    nowMs: () => clock.now(),
  };
}
