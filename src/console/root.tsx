/** The one Ink root: the wizard first where there is one, then the console. It alone listens to keys, so none is lost or taken twice between. */
import { type Key, useInput, usePaste } from 'ink';
import { type ReactNode, useSyncExternalStore } from 'react';
import type { Theme } from '../panels/theme.ts';
import { type KeyPress, keysFromInput } from '../repl/keys.ts';
import type { WizardMachine } from '../wizard/wizard-machine.ts';
import { ConsoleView } from './console-view.tsx';
import type { Session } from './session.ts';

export type Stage =
  /** `view` is given ready, so that a console without a wizard does not load one. */
  | { kind: 'wizard'; machine: WizardMachine; view: ReactNode }
  /** Between the two: what is typed is kept for the console. */
  | { kind: 'waiting'; typed: Typed[]; view: ReactNode }
  | { kind: 'console'; session: Session };

export type Typed = { kind: 'keys'; keys: KeyPress[] } | { kind: 'paste'; text: string };

/** What is on now; outside React, so that a key always reaches the stage of this very moment. */
export interface StageStore {
  get(): Stage;
  set(stage: Stage): void;
  subscribe(listener: () => void): () => void;
}

export function createStageStore(first: Stage): StageStore {
  let stage = first;
  const listeners = new Set<() => void>();
  return {
    get: () => stage,
    set(next) {
      stage = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function Root({ stages, theme }: { stages: StageStore; theme: Theme }) {
  const stage = useSyncExternalStore(stages.subscribe, stages.get);
  useInput((input: string, key: Key) => {
    const now = stages.get();
    if (now.kind === 'wizard') return now.machine.key(input, key);
    const keys = keysFromInput(input, key);
    if (now.kind === 'waiting') now.typed.push({ kind: 'keys', keys });
    else now.session.keys(keys);
  });
  usePaste((text) => {
    const now = stages.get();
    if (now.kind === 'wizard') now.machine.paste(text);
    else if (now.kind === 'waiting') now.typed.push({ kind: 'paste', text });
    else now.session.paste(text);
  });
  if (stage.kind !== 'console') return stage.view;
  return <ConsoleStage session={stage.session} theme={theme} />;
}

function ConsoleStage({ session, theme }: { session: Session; theme: Theme }) {
  const state = useSyncExternalStore(session.subscribe, session.getState);
  return <ConsoleView state={state} services={session.services} theme={theme} />;
}
