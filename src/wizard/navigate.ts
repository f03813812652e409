/** Moving between questions: forward, back, to one of them, to the review. Answers are never lost on the way. */
import { askedQuestions, contextOf } from './context.ts';
import { choicesOf, type Question } from './question.ts';
import { questionOf } from './questions/all.ts';
import type { WizardState } from './state.ts';

export function contextOfState(state: WizardState) {
  return contextOf(state.facts, state.answers, state.secrets);
}

export function currentQuestion(state: WizardState): Question | undefined {
  return state.question === undefined ? undefined : questionOf(state.question);
}

/** Whether a text field takes printable keys now. */
export function textFieldActive(state: WizardState): boolean {
  const kind = currentQuestion(state)?.kind;
  const takesText = kind === 'text' || kind === 'list' || kind === 'secret' || kind === 'confirm';
  return (
    takesText && state.busy === undefined && !state.explain && !state.leaving && state.outcome === 'running'
  );
}

/** Asks `question`: with what was answered before as the field's content, or the default as its placeholder. */
export function goTo(state: WizardState, question: Question): WizardState {
  const context = contextOfState(state);
  const given = question.kind === 'secret' ? state.secrets[question.id] : state.answers[question.id];
  const values = choicesOf(question, context).map(({ value }) => value);
  return {
    ...atRest(state),
    screen: question.screen,
    question: question.id,
    draft: given ?? '',
    choice: Math.max(0, values.indexOf(context.value(question.id))),
  };
}

export function goToReview(state: WizardState): WizardState {
  return { ...atRest(state), screen: 'review', question: undefined, draft: '', choice: 0, queue: undefined };
}

export function goToPreflight(state: WizardState): WizardState {
  return { ...atRest(state), screen: 'preflight', question: undefined, draft: '', choice: 0 };
}

export function goToFirst(state: WizardState): WizardState {
  return goTo(state, askedQuestions(contextOfState(state))[0]!);
}

/** After the current question was answered. `askedBefore`: ids that were asked before its answer changed. */
export function goOn(state: WizardState, askedBefore: readonly string[]): WizardState {
  const asked = askedQuestions(contextOfState(state));
  if (state.queue === undefined) {
    const next = asked[asked.findIndex(({ id }) => id === state.question) + 1];
    return next === undefined ? goToReview(state) : goTo(state, next);
  }
  // Back to the review, but for questions that this answer has brought up.
  const known = new Set([...askedBefore, ...state.queue]);
  const newly = asked.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  const still = new Set(asked.map(({ id }) => id));
  const queue = [...state.queue.filter((id) => id !== state.question), ...newly].filter((id) =>
    still.has(id),
  );
  const next = asked.find(({ id }) => queue.includes(id));
  return next === undefined ? goToReview(state) : goTo({ ...state, queue }, next);
}

export function goBack(state: WizardState): WizardState {
  const asked = askedQuestions(contextOfState(state));
  if (state.screen === 'review') return goTo(state, asked.at(-1)!);
  if (state.queue !== undefined) return goToReview(state);
  const index = asked.findIndex(({ id }) => id === state.question);
  return index <= 0 ? goToPreflight(state) : goTo(state, asked[index - 1]!);
}

function atRest(state: WizardState): WizardState {
  return {
    ...state,
    fieldRevision: state.fieldRevision + 1,
    command: '',
    problem: undefined,
    armed: false,
    busy: undefined,
    explain: false,
    leaving: false,
  };
}
