/**
 * Hands typed chunks to whoever has the keyboard at that very moment. One chunk may end the wizard and hold the first command for the console
 * ("\rstatus\r" in one write), so it is handed over line by line, and the wizard gets the time to end in between.
 */
import { type KeyPress, keysFromInput, keysFromText, type RawKey } from '../repl/keys.ts';
import { textFieldActive } from '../wizard/navigate.ts';
import type { Stage, StageStore } from './root.tsx';

/** Microtasks from an Enter to the wizard's outcome and on to the next stage: under ten. No further input can come between microtasks. */
const TURNS = 50;

export function feedInput(stages: StageStore, input: string, key: RawKey): void {
  const now = stages.get();
  if (now.kind !== 'wizard') {
    give(now, keysFromInput(input, key));
    return;
  }
  const lines = input.split(/(?<=\r\n|\r(?!\n)|\n)/);
  // While a field is typed into it reads the chunk itself.
  if (lines.length < 2 || textFieldActive(now.machine.getState())) {
    now.machine.key(input, key);
    return;
  }
  const [first = '', ...rest] = lines;
  now.machine.key(first, key);
  void feedLines(stages, rest);
}

async function feedLines(stages: StageStore, lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    for (let turn = 0; turn < TURNS; turn++) await undefined;
    const now = stages.get();
    if (now.kind === 'wizard') now.machine.paste(line);
    else give(now, keysFromText(line));
  }
}

export function feedPaste(stages: StageStore, text: string): void {
  const now = stages.get();
  if (now.kind === 'wizard') now.machine.paste(text);
  else if (now.kind === 'waiting') now.typed.push({ kind: 'paste', text });
  else now.session.paste(text);
}

function give(stage: Exclude<Stage, { kind: 'wizard' }>, keys: KeyPress[]): void {
  if (stage.kind === 'waiting') stage.typed.push({ kind: 'keys', keys });
  else stage.session.keys(keys);
}
