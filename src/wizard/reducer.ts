/** The wizard's pure core: an event changes the state and may ask for effects. Nothing here knows a terminal or a disk. */
import { askedQuestions, problemsOf } from './context.ts';
import {
  contextOfState,
  currentQuestion,
  goBack,
  goOn,
  goTo,
  goToFirst,
  goToReview,
  textFieldActive,
} from './navigate.ts';
import { choicesOf, type Question } from './question.ts';
import { reviewRows } from './review.ts';
import { REVIEW_ACTIONS, type Step, type WizardEffect, type WizardEvent, type WizardState } from './state.ts';

/** A line longer than this is a paste gone wrong; 24 words have at most 215 characters, a list of addresses more. */
const MAX_LINE_CHARS = 16 * 1024;

export function wizardReducer(state: WizardState, event: WizardEvent): Step {
  if (state.outcome !== 'running') return only(state);
  switch (event.type) {
    case 'checked':
      return checked(state, event);
    case 'preflight':
      return only({ ...state, busy: undefined, facts: { ...state.facts, preflight: event.items } });
    case 'written':
      return only({ ...state, busy: undefined, screen: 'done', written: event.written });
    case 'answers-saved':
      return only({ ...state, busy: undefined, outcome: 'answers-saved' });
    case 'failed':
      return only({ ...state, busy: undefined, problem: event.problem });
    case 'interrupt':
      return interrupt(state);
    default:
      return input(state, event);
  }
}

type InputEvent = Exclude<
  WizardEvent,
  { type: 'checked' | 'preflight' | 'written' | 'answers-saved' | 'failed' | 'interrupt' }
>;

function input(state: WizardState, event: InputEvent): Step {
  if (state.leaving) return answerLeaving(state, event);
  if (state.explain) return only({ ...state, explain: false });
  // While something is checked or written only leaving is possible; the machine keeps other keys for afterwards.
  if (state.busy !== undefined) return only(state);
  switch (event.type) {
    case 'text':
      return event.question === state.question ? text(state, event.value) : only(state);
    case 'char':
      return char(state, event.char);
    case 'enter':
      return enter(state);
    case 'back':
      return only(state.screen === 'preflight' || state.screen === 'done' ? state : goBack(state));
    case 'review':
      return only(state.screen === 'preflight' || state.screen === 'done' ? state : goToReview(state));
    case 'explain':
      return only(currentQuestion(state) === undefined ? state : { ...state, explain: true });
    case 'escape':
      return state.screen === 'done' ? finish(state, false) : only({ ...state, leaving: true });
    case 'clear':
      return only(textFieldActive(state) ? setDraft(state, '') : { ...state, command: '' });
    case 'erase':
      return only(state.screen === 'review' ? { ...state, command: state.command.slice(0, -1) } : state);
    case 'move':
      return only(move(state, event.by));
  }
}

/** Ctrl-C: asks first, and a second one leaves. While files are being written "nothing was written" would not be true. */
function interrupt(state: WizardState): Step {
  if (state.screen === 'done') return finish(state, false);
  if (state.screen === 'review' && state.busy !== undefined) return only(state);
  if (state.leaving || state.busy !== undefined) return only({ ...state, leaving: false, outcome: 'left' });
  return only({ ...state, leaving: true, explain: false });
}

function answerLeaving(state: WizardState, event: InputEvent): Step {
  const yes = event.type === 'char' && event.char.toLowerCase() === 'y';
  return only(yes ? { ...state, leaving: false, outcome: 'left' } : { ...state, leaving: false });
}

function text(state: WizardState, value: string): Step {
  const question = currentQuestion(state)!;
  if (state.draft === '' && question.kind !== 'secret') {
    if (value === '?') return only({ ...setDraft(state, ''), explain: true });
    if (value === '<') return only(goBack(state));
  }
  return only({ ...state, draft: value.slice(0, MAX_LINE_CHARS), problem: undefined, armed: false });
}

function char(state: WizardState, key: string): Step {
  if (textFieldActive(state))
    return text({ ...state, fieldRevision: state.fieldRevision + 1 }, state.draft + key);
  if (state.screen === 'done') return key.toLowerCase() === 'q' ? finish(state, false) : only(state);
  if (key === '<') return input(state, { type: 'back' });
  if (key === '?') return input(state, { type: 'explain' });
  if (state.screen === 'review')
    return only({ ...state, command: (state.command + key).slice(0, 8), problem: undefined });
  const question = currentQuestion(state);
  if (question?.kind !== 'choice') return only(state);
  // A digit, or the first letter of one choice alone, highlights it; Enter takes it.
  const choices = choicesOf(question, contextOfState(state));
  const byDigit = /^[1-9]$/.test(key) ? Number(key) - 1 : -1;
  const byLetter = choices.filter(({ value }) => value.startsWith(key.toLowerCase()));
  const choice = byLetter.length === 1 ? choices.indexOf(byLetter[0]!) : byDigit;
  return only(choices[choice] === undefined ? state : { ...state, choice, problem: undefined });
}

function move(state: WizardState, by: 1 | -1): WizardState {
  const question = currentQuestion(state);
  const count =
    state.screen === 'review'
      ? REVIEW_ACTIONS.length
      : question === undefined
        ? 0
        : choicesOf(question, contextOfState(state)).length;
  return count === 0 ? state : { ...state, choice: (state.choice + by + count) % count };
}

function enter(state: WizardState): Step {
  if (state.screen === 'preflight') return leavePreflight(state);
  if (state.screen === 'done') return finish(state, state.offersConsole);
  if (state.screen === 'review')
    return state.command.trim() === '' ? reviewAction(state) : reviewCommand(state);
  return answer(state, currentQuestion(state)!);
}

function leavePreflight(state: WizardState): Step {
  const fatal = state.facts.preflight.some((item) => item.state === 'fail');
  if (fatal) return { state: { ...state, busy: 'looking again' }, effects: [{ type: 'preflight' }] };
  return only(goToFirst(state));
}

function answer(state: WizardState, question: Question): Step {
  const context = contextOfState(state);
  if (question.kind === 'confirm' && state.draft.trim() === '') {
    if (state.armed) return only(goOn(state, asked(state)));
    const problem = 'type the word, or press Enter once more to go on without this check';
    return only({ ...state, problem, armed: true });
  }
  const typed =
    question.kind === 'choice'
      ? choicesOf(question, context)[state.choice]!.value
      : normal(question, state.draft);
  const emptied =
    typed === '-' && (question.kind === 'text' || question.kind === 'list') && isOptional(question, state);
  const value = emptied ? '' : typed === '' ? withoutAnswer(state, question) : typed;
  const problem = question.kind === 'show' ? undefined : question.validate(value, context);
  if (problem !== undefined) return only({ ...state, problem });
  const next = keep(state, question, typed, value);
  if (question.check === undefined || state.armed) return only(goOn(next, asked(state)));
  const effect: WizardEffect = { type: 'check', kind: question.check, question: question.id, value };
  return { state: { ...next, busy: 'checking', problem: undefined }, effects: [effect] };
}

/** White space around a line is never meant; in a passphrase it is. */
function normal(question: Question, draft: string): string {
  return question.kind === 'secret' && question.id !== 'phrase' ? draft : draft.trim();
}

/** The text of an empty field: what holds when nothing is given. */
function withoutAnswer(state: WizardState, question: Question): string {
  const { [question.id]: _, ...answers } = state.answers;
  return question.kind === 'secret' ? '' : contextOfState({ ...state, answers }).value(question.id);
}

/** Keeps what was given; Enter on the default keeps nothing, so that the default still follows the other answers. */
function keep(state: WizardState, question: Question, typed: string, value: string): WizardState {
  if (question.kind === 'show' || question.kind === 'confirm') return state;
  if (question.kind === 'secret') return { ...state, secrets: { ...state.secrets, [question.id]: value } };
  const { [question.id]: before, ...others } = state.answers;
  const untouched = withoutAnswer(state, question);
  const given = question.kind === 'choice' ? before !== undefined || typed !== untouched : typed !== '';
  if (!given) return { ...state, answers: others };
  return { ...state, answers: { ...others, [question.id]: value } };
}

/** Whether "-" may empty it: what has a value now can be left without one. */
function isOptional(question: Question, state: WizardState): boolean {
  return question.validate('', contextOfState(state)) === undefined;
}

function checked(state: WizardState, event: Extract<WizardEvent, { type: 'checked' }>): Step {
  if (state.question !== event.question || state.busy === undefined) return only(state);
  const question = currentQuestion(state)!;
  const notes = { ...state.notes, ...(event.note === undefined ? {} : { [question.id]: event.note }) };
  const disks =
    event.disk === undefined
      ? state.facts.disks
      : { ...state.facts.disks, [contextOfState(state).value('data-dir')]: event.disk };
  const before = asked(state);
  const next = { ...state, busy: undefined, notes, facts: { ...state.facts, disks } };
  if (event.problem === undefined) return only(goOn(next, before));
  const soft = question.softCheck === true;
  const problem = soft ? `${event.problem}; press Enter once more to go on all the same` : event.problem;
  return only({ ...next, problem, armed: soft });
}

function reviewCommand(state: WizardState): Step {
  const number = Number(/^\s*e?\s*(\d{1,2})\s*$/i.exec(state.command)?.[1] ?? Number.NaN);
  const row = reviewRows(contextOfState(state))[number - 1];
  if (row === undefined) {
    return only({ ...state, command: '', problem: 'type the number of a line to change it, e.g. "e 4"' });
  }
  return only({ ...goTo(state, row.question), queue: [row.question.id] });
}

function reviewAction(state: WizardState): Step {
  switch (REVIEW_ACTIONS[state.choice]) {
    case 'back':
      return only(goBack(state));
    case 'save':
      return { state: { ...state, busy: 'saving the answers' }, effects: [{ type: 'save-answers' }] };
    case 'quit':
      return only({ ...state, leaving: true });
    default:
      return write(state);
  }
}

/** What is wrong is asked again before anything is written. */
function write(state: WizardState): Step {
  const wrong = problemsOf(contextOfState(state)).find(({ question }) => question.flagOnly !== true);
  if (wrong !== undefined) {
    const there = goTo(state, wrong.question);
    return only({ ...there, problem: wrong.problem, queue: [wrong.question.id] });
  }
  return { state: { ...state, busy: 'writing', problem: undefined }, effects: [{ type: 'write' }] };
}

function finish(state: WizardState, openConsole: boolean): Step {
  return only({ ...state, written: { ...state.written!, openConsole }, outcome: 'written' });
}

function setDraft(state: WizardState, draft: string): WizardState {
  return { ...state, draft, fieldRevision: state.fieldRevision + 1, problem: undefined, armed: false };
}

function asked(state: WizardState): string[] {
  return askedQuestions(contextOfState(state)).map(({ id }) => id);
}

function only(state: WizardState): Step {
  return { state, effects: [] };
}
