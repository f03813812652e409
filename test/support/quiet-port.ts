import type { ConsolePort } from '../../src/commands/console/port.ts';

/** A console without a screen; `history` gives the lines entered so far. */
export function quietPort(history: ConsolePort['history'] = () => []): ConsolePort {
  return {
    history,
    async clearHistory() {},
    clearOutput() {},
    setRefresh() {},
    refreshMs: () => 1000,
    editorMode: () => 'emacs',
    setEditorMode() {},
    mouse: () => false,
    setMouse() {},
    quit() {},
    nowMs: () => 0,
  };
}
