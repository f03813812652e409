/** Readline's keys as editor actions. Keys that are no editing (Enter, Tab, history) give undefined. */
import type { EditorAction } from './editor.ts';
import type { KeyPress } from './keys.ts';

export function editorAction(key: KeyPress): EditorAction | undefined {
  switch (key.name) {
    case 'text':
      return { type: 'insert', text: key.text };
    case 'left':
      return { type: 'move', reach: key.ctrl || key.alt ? 'word' : 'char', direction: -1 };
    case 'right':
      return { type: 'move', reach: key.ctrl || key.alt ? 'word' : 'char', direction: 1 };
    case 'home':
      return { type: 'move', reach: 'line', direction: -1 };
    case 'end':
      return { type: 'move', reach: 'line', direction: 1 };
    case 'backspace':
      return key.alt ? { type: 'kill', reach: 'word', direction: -1 } : { type: 'erase', direction: -1 };
    case 'delete':
      return key.alt ? { type: 'kill', reach: 'word', direction: 1 } : { type: 'erase', direction: 1 };
    case 'enter':
      return key.alt ? { type: 'insert', text: '\n' } : undefined;
    case 'char':
      return key.ctrl ? ctrlAction(key.text) : altAction(key.text);
    default:
      return undefined;
  }
}

function ctrlAction(letter: string): EditorAction | undefined {
  switch (letter) {
    case 'a':
      return { type: 'move', reach: 'line', direction: -1 };
    case 'e':
      return { type: 'move', reach: 'line', direction: 1 };
    case 'b':
      return { type: 'move', reach: 'char', direction: -1 };
    case 'f':
      return { type: 'move', reach: 'char', direction: 1 };
    case 'd':
      return { type: 'erase', direction: 1 };
    case 'h':
      return { type: 'erase', direction: -1 };
    case 'k':
      return { type: 'kill', reach: 'line', direction: 1 };
    case 'u':
      return { type: 'kill', reach: 'line', direction: -1 };
    case 'w':
      return { type: 'kill', reach: 'blank-word', direction: -1 };
    case 'y':
      return { type: 'yank' };
    case 't':
      return { type: 'transpose' };
    case '_':
      return { type: 'undo' };
    default:
      return undefined;
  }
}

function altAction(letter: string): EditorAction | undefined {
  switch (letter) {
    case 'b':
      return { type: 'move', reach: 'word', direction: -1 };
    case 'f':
      return { type: 'move', reach: 'word', direction: 1 };
    case 'd':
      return { type: 'kill', reach: 'word', direction: 1 };
    case 'y':
      return { type: 'yank-pop' };
    default:
      return undefined;
  }
}
