/** The wizard's state, what can happen to it, and what it asks the outside to do. */
import type { Config } from '../config/schema.ts';
import type { DiskFacts, PreflightItem, WizardFacts } from './facts.ts';
import type { Answers, CheckKind, ScreenId } from './question.ts';

export interface WizardState {
  screen: ScreenId;
  /** The question asked now; undefined on preflight, review and done. */
  question: string | undefined;
  facts: WizardFacts;
  answers: Answers;
  secrets: Answers;
  /** Content of the text field. */
  draft: string;
  /** Grows whenever the field's content was set from outside; the view then makes a new field. */
  fieldRevision: number;
  /** Highlighted line of a choice, or of the review's actions. */
  choice: number;
  /** What is being typed on the review ("e 4"). */
  command: string;
  problem: string | undefined;
  /** Results worth showing under a question, by its id. */
  notes: Answers;
  /** A second Enter on this question goes on although its check failed or its confirmation is empty. */
  armed: boolean;
  /** What the wizard is waiting for. */
  busy: string | undefined;
  explain: boolean;
  leaving: boolean;
  /** Set after an edit from the review: questions to ask before going back there. */
  queue: readonly string[] | undefined;
  written: Written | undefined;
  outcome: 'running' | 'written' | 'answers-saved' | 'left';
  /** Whether the console can follow. */
  offersConsole: boolean;
}

export interface Written {
  config: Config;
  configPath: string;
  /** What now lies on disk, for the last screen. */
  files: string[];
  peerId: string;
  openConsole: boolean;
}

export type WizardEvent =
  | { type: 'text'; question: string; value: string }
  /** One printable character that no field took. */
  | { type: 'char'; char: string }
  | { type: 'enter' | 'back' | 'review' | 'explain' | 'escape' | 'clear' | 'erase' }
  | { type: 'interrupt' }
  | { type: 'move'; by: 1 | -1 }
  | { type: 'checked'; question: string; problem?: string; note?: string; disk?: DiskFacts }
  | { type: 'preflight'; items: PreflightItem[] }
  | { type: 'written'; written: Written }
  | { type: 'answers-saved'; path: string }
  | { type: 'failed'; problem: string };

export type WizardEffect =
  | { type: 'check'; kind: CheckKind; question: string; value: string }
  | { type: 'preflight' }
  | { type: 'write' }
  | { type: 'save-answers' };

export interface Step {
  state: WizardState;
  effects: WizardEffect[];
}

export const REVIEW_ACTIONS = ['write', 'back', 'save', 'quit'] as const;

export function initialState(facts: WizardFacts): WizardState {
  return {
    screen: 'preflight',
    question: undefined,
    facts,
    answers: {},
    secrets: {},
    draft: '',
    fieldRevision: 0,
    choice: 0,
    command: '',
    problem: undefined,
    notes: {},
    armed: false,
    busy: undefined,
    explain: false,
    leaving: false,
    queue: undefined,
    written: undefined,
    outcome: 'running',
    offersConsole: true,
  };
}
