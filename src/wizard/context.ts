/** Which answer is in force, and which questions are asked because of it. */
import type { Config } from '../config/schema.ts';
import { answersOfConfig } from './config-answers.ts';
import type { WizardFacts } from './facts.ts';
import type { Answers, Question, QuestionContext } from './question.ts';
import { QUESTIONS, questionOf } from './questions/all.ts';

export type AnswerOrigin = 'given' | 'present' | 'default';

export interface AnswerContext extends QuestionContext {
  origin(id: string): AnswerOrigin;
}

/** Given answer, else that of the configuration being edited, else the question's default for these answers. */
export function contextOf(facts: WizardFacts, answers: Answers, secrets: Answers): AnswerContext {
  const present = presentAnswers(facts.existing);
  const context: AnswerContext = {
    facts,
    secrets,
    value: (id) => answers[id] ?? present[id] ?? questionOf(id).default(context),
    origin: (id) => (answers[id] !== undefined ? 'given' : present[id] !== undefined ? 'present' : 'default'),
  };
  return context;
}

/** Questions that matter for these answers, those without a screen too. */
export function relevantQuestions(context: QuestionContext): Question[] {
  return QUESTIONS.filter((question) => question.asked?.(context) ?? true);
}

/** Questions that are asked on a screen, in order. */
export function askedQuestions(context: QuestionContext): Question[] {
  return relevantQuestions(context).filter((question) => question.flagOnly !== true);
}

/** The text a question has now: a secret's own, or the answer in force. */
export function textOf(question: Question, context: QuestionContext): string {
  return question.kind === 'secret' ? (context.secrets[question.id] ?? '') : context.value(question.id);
}

/** The first thing wrong with all answers together. What only a person can do (reading, repeating words) is left out. */
export function problemsOf(context: QuestionContext): { question: Question; problem: string }[] {
  return relevantQuestions(context).flatMap((question) => {
    if (question.kind === 'show' || question.kind === 'confirm') return [];
    const problem = question.validate(textOf(question, context), context);
    return problem === undefined ? [] : [{ question, problem }];
  });
}

/** Computed once per configuration: the reducer asks on every key. */
const PRESENT = new WeakMap<Config, Answers>();

function presentAnswers(existing: Config | undefined): Answers {
  if (existing === undefined) return {};
  const known = PRESENT.get(existing);
  if (known !== undefined) return known;
  const answers = answersOfConfig(existing);
  PRESENT.set(existing, answers);
  return answers;
}
