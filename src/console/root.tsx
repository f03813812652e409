/** The one Ink root: the wizard first where there is one, then the console. It alone listens to keys, so none is lost or taken twice between. */
import { type Key, useApp, useInput, usePaste } from 'ink';
import { type ReactNode, useEffect, useSyncExternalStore } from 'react';
import type { Theme } from '../panels/theme.ts';
import type { KeyPress } from '../repl/keys.ts';
import type { WizardMachine } from '../wizard/wizard-machine.ts';
import { ConsoleView } from './console-view.tsx';
import { feedInput, feedPaste } from './key-feed.ts';
import type { Session } from './session-contract.ts';

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

/** Gives the terminal away while `run` lasts. */
export type Lend = (run: () => Promise<void>) => Promise<void>;

export interface RootProps {
  stages: StageStore;
  theme: Theme;
  /** Told how the terminal can be lent. */
  onLend(lend: Lend): void;
}

export function Root({ stages, theme, onLend }: RootProps) {
  const { suspendTerminal } = useApp();
  useEffect(() => onLend(suspendTerminal), [onLend, suspendTerminal]);
  const stage = useSyncExternalStore(stages.subscribe, stages.get);
  useInput((input: string, key: Key) => feedInput(stages, input, key));
  usePaste((text) => feedPaste(stages, text));
  if (stage.kind !== 'console') return stage.view;
  return <ConsoleStage session={stage.session} theme={theme} />;
}

function ConsoleStage({ session, theme }: { session: Session; theme: Theme }) {
  const state = useSyncExternalStore(session.subscribe, session.getState);
  return <ConsoleView state={state} services={session.services} theme={theme} />;
}
