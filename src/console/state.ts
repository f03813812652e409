/** All that the console knows, in one value. The reducers (update.ts, panel-keys.ts) make the next one from it. */
import type { EditorMode } from '../config/schema.ts';
import type { Progress, Snapshot } from '../engine/engine.ts';
import { initialPanels } from '../panels/catalogue.ts';
import { type PanelId, type PanelState, SAMPLE_MS, STALE_SAMPLES } from '../panels/panel.ts';
import { type EditorState, emptyEditor } from '../repl/editor.ts';
import type { Hint } from '../repl/hint.ts';
import type { KeyBindings } from '../repl/key-bindings.ts';
import { emptyPrompt, type PromptServices, type PromptState } from '../repl/prompt-state.ts';
import { VI_INSERT } from '../repl/vi.ts';
import { type Layout, layoutFor } from './layout.ts';
import { emptyTranscript, type Transcript } from './transcript.ts';

/** What the prompt and the keys need to know of the world; all of it answers at once. */
export interface ConsoleServices extends PromptServices {
  hint(line: string): Hint | undefined;
}

export interface RunningCommand {
  line: string;
  startedAtMs: number;
  label: string | undefined;
  progress: Progress | undefined;
  /** Bytes a second since the first progress was told. */
  rate: { sinceMs: number; fromBytes: number } | undefined;
  cancelledAtMs: number | undefined;
}

export interface BackgroundCommand {
  id: number;
  line: string;
  startedAtMs: number;
}

export interface Asking {
  kind: 'confirm' | 'secret';
  /** Who wants to know: the running command, or the console before it ends. */
  purpose: 'command' | 'quit';
  question: string;
  editor: EditorState;
}

export interface ConsoleState {
  columns: number;
  rows: number;
  nowMs: number;
  /** Counts draws while something runs, for the spinner. */
  tick: number;
  name: string;
  network: string;
  /** What every key does. */
  keys: KeyBindings;
  engine: { state: 'opening' | 'online' | 'attached' | 'offline'; error: string | undefined };
  snapshot: Snapshot | undefined;
  peerTrend: readonly number[];
  paused: { atMs: number } | undefined;
  refreshMs: number;
  focus: 'prompt' | PanelId;
  /** The panel looked at last; the one shown where there is room for only one. */
  shown: PanelId;
  zoomed: boolean;
  panels: Readonly<Record<PanelId, PanelState>>;
  /** The panel that the wheel moved last. */
  browsed: PanelId | undefined;
  /** The terminal reports the mouse. */
  mouse: boolean;
  typingFilter: { panel: PanelId; text: string; before: string } | undefined;
  help: { query: string; scroll: number } | undefined;
  transcript: Transcript;
  prompt: PromptState;
  running: RunningCommand | undefined;
  /** Commands that run without holding the prompt, oldest first. */
  background: readonly BackgroundCommand[];
  /** The key that begins a pair was pressed: the next key is the second half of a pair. */
  chord: boolean;
  /** Lines entered while a command runs; they follow in order. */
  queue: readonly string[];
  asking: Asking | undefined;
  notice: { text: string; untilMs: number } | undefined;
}

export type ConsoleEffect =
  | { type: 'run'; line: string }
  | { type: 'complete'; text: string; caret: number }
  | { type: 'cancel' }
  | { type: 'abandon' }
  | { type: 'answer'; value: boolean | string | undefined }
  | { type: 'load-objects'; panel: PanelId; pool: string | undefined }
  | { type: 'load-object'; panel: PanelId; ref: string }
  | { type: 'load-job'; id: string }
  /** The line in the person's own editor. */
  | { type: 'edit'; text: string }
  /** The running command goes on without holding the prompt. */
  | { type: 'background' }
  | { type: 'copy'; text: string }
  | { type: 'redraw' }
  | { type: 'suspend' }
  | { type: 'quit' };

export interface ConsoleStep {
  state: ConsoleState;
  effects: ConsoleEffect[];
}

export const NOTICE_MS = 4_000;

export function initialState(start: {
  columns: number;
  rows: number;
  nowMs: number;
  name: string;
  network: string;
  keys: KeyBindings;
  editorMode: EditorMode;
}): ConsoleState {
  const { editorMode, ...given } = start;
  return {
    ...given,
    tick: 0,
    engine: { state: 'opening', error: undefined },
    snapshot: undefined,
    peerTrend: [],
    paused: undefined,
    refreshMs: SAMPLE_MS,
    focus: 'prompt',
    shown: 'peers',
    zoomed: false,
    panels: initialPanels(),
    browsed: undefined,
    mouse: false,
    typingFilter: undefined,
    help: undefined,
    transcript: emptyTranscript(),
    prompt: { ...emptyPrompt(), vi: editorMode === 'vi' ? VI_INSERT : undefined },
    running: undefined,
    background: [],
    chord: false,
    queue: [],
    asking: undefined,
    notice: undefined,
  };
}

export function layoutOf(state: ConsoleState): Layout {
  return layoutFor({
    columns: state.columns,
    rows: state.rows,
    panel: state.shown,
    panelFocused: state.focus !== 'prompt',
    zoomed: state.zoomed,
  });
}

/** The moment that ages are told from: while paused, time stands still on the panels. */
export function panelNowMs(state: ConsoleState): number {
  return state.paused?.atMs ?? state.nowMs;
}

export function isStale(state: ConsoleState): boolean {
  if (state.snapshot === undefined) return false;
  return panelNowMs(state) - state.snapshot.atMs > STALE_SAMPLES * state.refreshMs;
}

export function withPanel(state: ConsoleState, panel: PanelId, change: Partial<PanelState>): ConsoleState {
  return { ...state, panels: { ...state.panels, [panel]: { ...state.panels[panel], ...change } } };
}

export function notice(state: ConsoleState, text: string): ConsoleState {
  return { ...state, notice: { text, untilMs: state.nowMs + NOTICE_MS } };
}

export function asked(kind: Asking['kind'], purpose: Asking['purpose'], question: string): Asking {
  return { kind, purpose, question, editor: emptyEditor() };
}
