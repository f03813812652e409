/** What a question is: data and pure functions. The interactive wizard and the headless one read the same list. */
import type { WizardFacts } from './facts.ts';

export type ScreenId =
  | 'preflight'
  | 'profile'
  | 'identity'
  | 'storage'
  | 'redundancy'
  | 'network'
  | 'bandwidth'
  | 'access'
  | 'extras'
  | 'review'
  | 'done';

/** Answers as text, by question; only those that somebody gave. */
export type Answers = Readonly<Record<string, string>>;

export interface QuestionContext {
  facts: WizardFacts;
  /** Secrets given so far (a phrase, passphrases): apart from the answers, never printed or saved. */
  secrets: Answers;
  /** The answer in force: given, else that of the configuration being edited, else the default. */
  value(id: string): string;
}

export interface Choice {
  value: string;
  label: string;
  note: string;
}

/** Checks that need the machine; run by the wizard's effects. */
export type CheckKind = 'data-dir' | 'port' | 'bootstrap' | 'key-file';

export interface Question {
  /** Also the flag (`--quota`), the key of an answers file, and DATAMESH_INIT_QUOTA. */
  id: string;
  screen: Exclude<ScreenId, 'preflight' | 'review' | 'done'>;
  title: string;
  /**
   * text: a line. list: several, separated by blanks or commas. choice: one of `choices`. secret: a line never shown or
   * kept. show: something to read. confirm: a line that must repeat something; may be skipped by a second Enter.
   */
  kind: 'text' | 'list' | 'choice' | 'secret' | 'show' | 'confirm';
  /** Why we ask: one or two sentences. */
  why: string;
  /** How to change it later. */
  later: string;
  choices?: readonly Choice[] | ((context: QuestionContext) => readonly Choice[]);
  /** Whether it is asked, given the other answers. */
  asked?(context: QuestionContext): boolean;
  /** Never asked on a screen; a flag, variable or answers file may give it. */
  flagOnly?: boolean;
  /** Headless, its flag must be there when it is asked: no default makes sense. */
  needed?: boolean;
  default(context: QuestionContext): string;
  /** A sentence about what is wrong with `text`, or undefined. */
  validate(text: string, context: QuestionContext): string | undefined;
  /** A sentence worth knowing about a valid answer. */
  note?(text: string, context: QuestionContext): string | undefined;
  check?: CheckKind;
  /** A failed check is shown, and a second Enter goes on all the same. */
  softCheck?: boolean;
  /** How a secret reaches the headless wizard: a flag naming a file. */
  fileFlag?: string;
}

export function choicesOf(question: Question, context: QuestionContext): readonly Choice[] {
  const { choices } = question;
  return typeof choices === 'function' ? choices(context) : (choices ?? []);
}

export const YES_NO: readonly Choice[] = [
  { value: 'yes', label: 'yes', note: '' },
  { value: 'no', label: 'no', note: '' },
];

/** The check of every choice question: the text is one of its values. */
export function oneOf(values: readonly string[]): (text: string) => string | undefined {
  return (text) => (values.includes(text) ? undefined : `choose one of ${values.join(', ')}`);
}
