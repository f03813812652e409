/** Actions of the prompt that edit the line. What is no editing (run, complete, history) gives undefined. */
import type { EditorAction } from './editor.ts';
import type { ActionName } from './key-table.ts';
import type { KeyPress } from './keys.ts';

const EDITING: Readonly<Partial<Record<ActionName, EditorAction>>> = {
  'forward-char': { type: 'move', reach: 'char', direction: 1 },
  'backward-char': { type: 'move', reach: 'char', direction: -1 },
  'forward-word': { type: 'move', reach: 'word', direction: 1 },
  'backward-word': { type: 'move', reach: 'word', direction: -1 },
  'beginning-of-line': { type: 'move', reach: 'line', direction: -1 },
  'end-of-line': { type: 'move', reach: 'line', direction: 1 },
  'delete-char': { type: 'erase', direction: 1 },
  'backward-delete-char': { type: 'erase', direction: -1 },
  'unix-word-rubout': { type: 'kill', reach: 'blank-word', direction: -1 },
  'backward-kill-word': { type: 'kill', reach: 'word', direction: -1 },
  'kill-word': { type: 'kill', reach: 'word', direction: 1 },
  'unix-line-discard': { type: 'kill', reach: 'line', direction: -1 },
  'kill-line': { type: 'kill', reach: 'line', direction: 1 },
  yank: { type: 'yank' },
  'yank-pop': { type: 'yank-pop' },
  'transpose-chars': { type: 'transpose' },
  undo: { type: 'undo' },
  'new-line': { type: 'insert', text: '\n' },
};

/** `action`: what the key does at the prompt. */
export function editorAction(key: KeyPress, action: ActionName | undefined): EditorAction | undefined {
  if (key.name === 'text') return { type: 'insert', text: key.text };
  return action === undefined ? undefined : EDITING[action];
}
