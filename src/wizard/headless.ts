/**
 * The wizard without a terminal: answers from flags, DATAMESH_INIT_* variables and a file go through the same questions,
 * defaults and checks, so they lead to the same configuration. What is missing or wrong is listed all at once.
 */
import { didYouMean } from '../config/suggest.ts';
import { DatameshError } from '../errors.ts';
import { type AnswerContext, contextOf, problemsOf, relevantQuestions } from './context.ts';
import type { WizardFacts } from './facts.ts';
import type { ProbeResult } from './probes.ts';
import { type Answers, type CheckKind, choicesOf, type Question } from './question.ts';
import { ANSWERABLE, QUESTIONS } from './questions/all.ts';

export interface HeadlessRequest {
  facts: WizardFacts;
  /** By question id, as text; lists separated by commas. */
  flags: Answers;
  env: Readonly<Record<string, string | undefined>>;
  /** Content of the answers file. */
  answersFile?: { name: string; text: string } | undefined;
  /** Contents of the files that hold secrets, by question id. */
  secrets: Answers;
  /** Take the default for whatever is not given. */
  yes: boolean;
  check(kind: CheckKind, value: string): Promise<ProbeResult>;
}

const ENV_PREFIX = 'DATAMESH_INIT_';
const IDS = ANSWERABLE.map(({ id }) => id);
/** Checks that decide whether the set-up can work at all; ports and other nodes may come and go. */
const HARD_CHECKS: ReadonlySet<CheckKind> = new Set(['data-dir', 'key-file']);

export function initEnvName(id: string): string {
  return ENV_PREFIX + id.replaceAll('-', '_').toUpperCase();
}

/** Every answer, complete and valid. Throws `missing-argument`, `unknown-option` or `bad-value`, each naming all at once. */
export async function resolveHeadless(request: HeadlessRequest): Promise<AnswerContext> {
  const fromFile = request.answersFile === undefined ? {} : parseAnswers(request.answersFile);
  const answers: Answers = { ...fromFile, ...envAnswers(request.env), ...request.flags };
  const facts = await withDisk(request, answers);
  const context = contextOf(facts, answers, request.secrets);
  needAll(context, request.yes);
  needValid(problemsOf(context));
  for (const question of relevantQuestions(context)) {
    if (question.check === undefined || question.check === 'data-dir' || !HARD_CHECKS.has(question.check))
      continue;
    const { problem } = await request.check(question.check, context.value(question.id));
    if (problem !== undefined) needValid([{ question, problem }]);
  }
  return context;
}

/** Answers given by flags, variables or a file only; the terminal asks for the rest. */
export function givenAnswers(request: Pick<HeadlessRequest, 'flags' | 'env' | 'answersFile'>): Answers {
  const fromFile = request.answersFile === undefined ? {} : parseAnswers(request.answersFile);
  return { ...fromFile, ...envAnswers(request.env), ...request.flags };
}

/** For `--print-questions`: everything a program needs to ask for itself. */
export function printableQuestions(context: AnswerContext): Record<string, unknown>[] {
  return ANSWERABLE.map((question) => ({
    id: question.id,
    flag: `--${question.id}`,
    env: initEnvName(question.id),
    screen: question.screen,
    type: question.kind,
    title: question.title,
    why: question.why,
    later: question.later,
    default: question.default(context),
    ...(question.kind === 'choice'
      ? { choices: choicesOf(question, context).map(({ value, note }) => ({ value, note })) }
      : {}),
    asked: question.asked?.(context) ?? true,
  }));
}

/** The disk under the chosen folder is known only now; defaults and limits of storage hang on it. */
async function withDisk(request: HeadlessRequest, answers: Answers): Promise<WizardFacts> {
  const context = contextOf(request.facts, answers, request.secrets);
  const folder = context.value('data-dir');
  const question = QUESTIONS.find(({ id }) => id === 'data-dir')!;
  const invalid = question.validate(folder, context);
  if (invalid !== undefined) needValid([{ question, problem: invalid }]);
  const { problem, disk } = await request.check('data-dir', folder);
  if (problem !== undefined) needValid([{ question, problem }]);
  return disk === undefined
    ? request.facts
    : { ...request.facts, disks: { ...request.facts.disks, [folder]: disk } };
}

function needAll(context: AnswerContext, yes: boolean): void {
  const missing = relevantQuestions(context).flatMap((question) => missingFlag(question, context, yes));
  if (missing.length === 0) return;
  throw new DatameshError('missing-argument', {
    what: `there is no terminal to ask on, and these answers are missing: ${missing.join(' ')}`,
    mend: 'give them as flags, as DATAMESH_INIT_… variables or in a file (--answers FILE; --print-answers writes one), or take the defaults with --yes',
    details: { missing },
  });
}

function missingFlag(question: Question, context: AnswerContext, yes: boolean): string[] {
  if (question.kind === 'secret') {
    const given = (context.secrets[question.id] ?? '') !== '';
    return question.needed === true && !given ? [`--${question.fileFlag}`] : [];
  }
  if (question.kind === 'show' || question.kind === 'confirm') return [];
  if (question.needed === true && context.value(question.id) === '') return [`--${question.id}`];
  const open = context.origin(question.id) === 'default' && question.flagOnly !== true;
  return open && !yes ? [`--${question.id}`] : [];
}

function needValid(problems: { question: Question; problem: string }[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ question, problem }) => `--${question.fileFlag ?? question.id}: ${problem}`);
  throw new DatameshError('bad-value', {
    what: lines.join('; '),
    mend: problems.some(({ question }) => question.kind !== 'secret')
      ? 'datamesh init --print-questions explains every answer'
      : undefined,
    details: { problems: problems.map(({ question, problem }) => ({ id: question.id, problem })) },
  });
}

/** JSON: an object of question id → text, number, true/false, or a list of texts. */
export function parseAnswers(file: { name: string; text: string }): Answers {
  let value: unknown;
  try {
    value = JSON.parse(file.text);
  } catch (cause) {
    throw new DatameshError('bad-value', {
      what: `the answers in ${file.name} are not valid JSON: ${(cause as Error).message}`,
      cause,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DatameshError('bad-value', {
      what: `the answers in ${file.name} are not a JSON object`,
      mend: 'datamesh init --print-answers shows one',
    });
  }
  const entries = Object.entries(value);
  needKnownIds(
    entries.map(([id]) => id),
    (id) => `${file.name}: there is no question "${id}"`,
  );
  return Object.fromEntries(entries.map(([id, answer]) => [id, answerText(id, answer, file.name)]));
}

function answerText(id: string, answer: unknown, where: string): string {
  if (typeof answer === 'string') return answer;
  if (typeof answer === 'number') return String(answer);
  if (typeof answer === 'boolean') return answer ? 'yes' : 'no';
  if (Array.isArray(answer) && answer.every((item) => typeof item === 'string')) return answer.join(',');
  throw new DatameshError('bad-value', {
    what: `${where}: the answer to "${id}" is not a text, number, true, false or list of texts`,
  });
}

function envAnswers(env: HeadlessRequest['env']): Answers {
  const names = Object.keys(env).filter((name) => name.startsWith(ENV_PREFIX) && (env[name] ?? '') !== '');
  const idOf = (name: string) => name.slice(ENV_PREFIX.length).toLowerCase().replaceAll('_', '-');
  needKnownIds(names.map(idOf), (id) => `${initEnvName(id)}: there is no such question`);
  return Object.fromEntries(names.map((name) => [idOf(name), env[name]!]));
}

function needKnownIds(ids: readonly string[], what: (id: string) => string): void {
  const unknown = ids.filter((id) => !IDS.includes(id));
  if (unknown.length === 0) return;
  throw new DatameshError('unknown-option', {
    what: unknown.map((id) => what(id)).join('; '),
    mend:
      unknown.map((id) => didYouMean(id, IDS)).find((text) => text !== '') ??
      'datamesh init --print-questions lists them all',
    details: { unknown },
  });
}
