import type { KeyPress } from '../../src/repl/keys.ts';
import {
  emptyPrompt,
  type PromptEffect,
  type PromptServices,
  type PromptState,
} from '../../src/repl/prompt-state.ts';
import { promptKey } from '../../src/repl/repl-model.ts';

/** Presses keys one after another on a prompt, an empty one unless told; the prompt after them, and all that they brought about. */
export function presser(services: PromptServices) {
  return (keys: readonly KeyPress[], from: PromptState = emptyPrompt()) => {
    const effects: PromptEffect[] = [];
    let state = from;
    for (const key of keys) {
      const step = promptKey(state, key, services);
      state = step.state;
      effects.push(...step.effects);
    }
    return { state, effects, text: state.editor.text };
  };
}
