/** The wizard as whoever draws it sees it: a state that changes, keys that go in, and an outcome. No React, no terminal. */
import type { Config } from '../config/schema.ts';
import type { WizardState } from './state.ts';

/** The part of Ink's `Key` that the wizard looks at. */
export interface WizardKey {
  upArrow?: boolean;
  downArrow?: boolean;
  leftArrow?: boolean;
  rightArrow?: boolean;
  return?: boolean;
  escape?: boolean;
  tab?: boolean;
  shift?: boolean;
  ctrl?: boolean;
  meta?: boolean;
  backspace?: boolean;
  delete?: boolean;
}

export type WizardOutcome =
  /** Configuration, identity and keyring are on disk. `openConsole` is false when the person chose to quit here. */
  | {
      kind: 'written';
      config: Config;
      configPath: string;
      passphrase: string | undefined;
      openConsole: boolean;
    }
  /** Only the answers were kept, in a file for `datamesh init --answers`. */
  | { kind: 'answers-saved'; path: string }
  /** Left on purpose: nothing was written. Exit status 130. */
  | { kind: 'left' };

export interface WizardMachine {
  /** The same object until something changes: fit for useSyncExternalStore. */
  getState(): WizardState;
  subscribe(listener: () => void): () => void;
  /** Every key event of the root, in order. While a text field is active printable ones are left to the field. */
  key(input: string, key: WizardKey): void;
  /** A bracketed paste, where the root reads pastes apart from keys. */
  paste(text: string): void;
  /** The content of the active text field changed; only `WizardView` calls this. */
  text(question: string, value: string): void;
  /**
   * What was typed after the key that ended the wizard, "\r" for Enter; empties it. For whoever comes next: a burst may hold
   * the last Enter and a command in one write.
   */
  takeTypedAhead(): string;
  /** Settles once, when the wizard is over; rejects only on a defect. */
  readonly done: Promise<WizardOutcome>;
}
