/** Hands what is typed to whoever has the keyboard at that very moment: the wizard, the console, or, between the two, a list. */
import { type KeyPress, keysFromInput, type RawKey } from '../repl/keys.ts';
import type { Stage, StageStore } from './root.tsx';

export function feedInput(stages: StageStore, input: string, key: RawKey): void {
  const now = stages.get();
  if (now.kind === 'wizard') now.machine.key(input, key);
  else give(now, keysFromInput(input, key));
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
