/**
 * Letters that act on what a panel shows. None of them does anything to the mesh by itself: the command stands on the prompt, and Enter runs it
 * there, so that a letter typed by accident changes nothing and a person sees how the same is done without the panel.
 */
import { quoteWord } from '../lang/argv.ts';
import { rowIds } from '../panels/catalogue.ts';
import { type PanelId, WINDOWS } from '../panels/panel.ts';
import { keyHints } from '../repl/key-bindings.ts';
import type { ActionName } from '../repl/key-table.ts';
import { offeredLine } from '../repl/prompt-state.ts';
import { focusPrompt } from './panel-focus.ts';
import { type ConsoleState, type ConsoleStep, notice, withPanel } from './state.ts';

/** Undefined where the action means nothing in a panel. */
export function panelAction(
  state: ConsoleState,
  panel: PanelId,
  action: ActionName,
): ConsoleStep | undefined {
  if (action === 'window') return only(nextWindow(state));
  if (action === 'keep-job') return only(toggleKept(state, panel));
  const line = commandFor(state, panel, action);
  if (line === undefined) return undefined;
  if (line === '') return only(notice(state, 'nothing is selected here'));
  return only(onPrompt(state, line));
}

/** The line; empty when it would need a selected row and there is none. */
function commandFor(state: ConsoleState, panel: PanelId, action: ActionName): string | undefined {
  const subject = subjectOf(state, panel);
  const about = (command: string) => (subject === undefined ? '' : `${command} ${quoteWord(subject)}`);
  // Rows of the storage panel are pools, until one of them is looked into.
  const ofPool = panel === 'storage' && state.panels.storage.drill.length === 0 ? ' --pool' : '';
  switch (action) {
    case 'speed-test':
      return about('bandwidth --test-peer');
    case 'ban-peer':
      return about(isBanned(state, subject) ? 'peer unban' : 'peer ban');
    case 'name-peer':
      return subject === undefined ? '' : `${about('peer name')} `;
    case 'whatif-lost':
      return about('whatif lose');
    case 'repair':
      return subject === undefined ? 'repair --apply' : about(`repair --apply${ofPool}`);
    case 'verify':
      return subject === undefined ? 'verify --all' : about(`verify${ofPool}`);
    case 'cancel-job':
      return about('jobs cancel');
    default:
      return undefined;
  }
}

function isBanned(state: ConsoleState, peerId: string | undefined): boolean {
  return state.snapshot?.peers.some((peer) => peer.peerId === peerId && peer.banned) ?? false;
}

/** Name or id of what is looked at: the drilled-down thing, else the selected row. */
export function subjectOf(state: ConsoleState, panel: PanelId): string | undefined {
  const own = state.panels[panel];
  const drill = own.drill.at(-1);
  if (drill?.kind === 'peer') return drill.peerId;
  if (drill?.kind === 'object') return drill.name;
  if (drill?.kind === 'job') return drill.id;
  const ids = rowIds(panel, state.snapshot, own);
  return own.selectedId !== undefined && ids.includes(own.selectedId) ? own.selectedId : undefined;
}

/** A line that is being typed is not thrown away for a letter. */
function onPrompt(state: ConsoleState, line: string): ConsoleState {
  if (state.prompt.editor.text !== '')
    return notice(state, 'there is a line on the prompt: run or clear it first');
  const prompt = offeredLine(state.prompt, line);
  const how = keyHints(state.keys, ['accept-line', 'runs it'], ['cancel', 'clears it']);
  return notice({ ...focusPrompt(state), prompt }, how);
}

/** A person keeps an eye on some; and a bound. */
const MAX_KEPT = 20;

function toggleKept(state: ConsoleState, panel: PanelId): ConsoleState {
  const id = subjectOf(state, panel);
  if (id === undefined) return notice(state, 'nothing is selected here');
  // Jobs that are no longer in memory need no place.
  const kept = state.panels[panel].kept.filter((each) => state.snapshot?.jobs.some((job) => job.id === each));
  const isKept = kept.includes(id);
  const next = isKept ? kept.filter((each) => each !== id) : [...kept, id].slice(-MAX_KEPT);
  return notice(withPanel(state, panel, { kept: next }), isKept ? `${id} is let go` : `${id} stays on top`);
}

function nextWindow(state: ConsoleState): ConsoleState {
  const at = WINDOWS.indexOf(state.panels.bandwidth.window);
  return withPanel(state, 'bandwidth', { window: WINDOWS[(at + 1) % WINDOWS.length] ?? '60s' });
}

function only(state: ConsoleState): ConsoleStep {
  return { state, effects: [] };
}
