/** One question: why it is asked, the field or the choices, what is wrong or worth knowing. */
import { Box, Text } from 'ink';
import { wrap } from '../../commands/format/help.ts';
import { safeText } from '../../commands/format/safe-text.ts';
import { askedQuestions, textOf } from '../context.ts';
import { contextOfState, textFieldActive } from '../navigate.ts';
import { choicesOf, type Question, type QuestionContext } from '../question.ts';
import { fitQuestion, type QuestionFit } from '../question-fit.ts';
import { brokenLines } from '../review-fit.ts';
import type { WizardState } from '../state.ts';
import { PhraseView, phraseRows } from './phrase-view.tsx';
import { TextField } from './text-field.tsx';

interface Props {
  state: WizardState;
  question: Question;
  onText(question: string, value: string): void;
}

export function QuestionView({
  state,
  columns,
  height,
  fit,
  question,
  onText,
}: Props & { columns: number; height: number; fit: QuestionFit }) {
  const context = contextOfState(state);
  const { low } = fit;
  const explained = state.explain ? explanation(question, context) : [];
  if (explained.length > 0 && low)
    return <Text>{linesOf(explained, columns).slice(0, height).join('\n')}</Text>;
  return (
    <Box flexDirection="column">
      <Answered state={state} question={question} context={context} most={fit.answered} />
      <Text bold>{question.title}</Text>
      {fit.why ? <Text dimColor>{wrap(question.why, columns).join('\n')}</Text> : null}
      <Box marginTop={fit.gap ? 1 : 0} flexDirection="column">
        {question.kind === 'show' && low ? (
          <Text color="red">{wrap(TOO_LOW, columns).join('\n')}</Text>
        ) : (
          <Field
            state={state}
            columns={columns}
            low={low}
            question={question}
            context={context}
            onText={onText}
          />
        )}
      </Box>
      <Remarks state={state} columns={columns} question={question} context={context} />
      {explained.length === 0 ? null : <Explanation lines={linesOf(explained, columns - 4)} />}
    </Box>
  );
}

/** Some of the words would be taken for all of them. */
const TOO_LOW =
  '✖ The 24 words do not fit into this window: make it larger, or see them after the set-up with: datamesh keys export';

/** @param height between the rail and the keys */
export function questionFit(
  state: WizardState,
  question: Question,
  columns: number,
  height: number,
): QuestionFit {
  return fitQuestion(
    {
      answered: answeredBefore(question, contextOfState(state)).length,
      why: wrap(question.why, columns).length,
      must: mustLines(state, question, columns),
    },
    height,
  );
}

/** Lines of what always stands there, as Ink breaks them. */
function mustLines(state: WizardState, question: Question, columns: number): number {
  const context = contextOfState(state);
  const of = (text: string | undefined) => (text === undefined ? 0 : brokenLines(text, columns).length);
  // A frame around it, an empty line above it.
  const inFrame = linesOf(explanation(question, context), columns - 4).length + 3;
  return (
    of(question.title) +
    fieldLines(state, question, context, columns) +
    of(noteOf(state, question, context)) +
    of(state.busy) +
    of(state.problem === undefined ? undefined : `✖ ${safeText(state.problem)}`) +
    (state.explain ? inFrame : 0)
  );
}

function fieldLines(
  state: WizardState,
  question: Question,
  context: QuestionContext,
  columns: number,
): number {
  if (question.kind === 'show') return phraseRows(context.facts.newPhrase.words.length, columns);
  if (question.kind !== 'choice') return Math.ceil((state.draft.length + 3) / columns);
  return choiceLines(question, context).reduce((sum, line) => sum + brokenLines(line, columns).length, 0);
}

/** Each as if it were the chosen one. */
function choiceLines(question: Question, context: QuestionContext): string[] {
  const choices = choicesOf(question, context);
  const width = Math.max(...choices.map(({ label }) => label.length));
  return choices.map(({ label, note }, index) => `› ${index + 1} ${label.padEnd(width)}  ${note}`);
}

function answeredBefore(question: Question, context: QuestionContext): Question[] {
  const onScreen = askedQuestions(context).filter(({ screen }) => screen === question.screen);
  const before = onScreen.slice(
    0,
    onScreen.findIndex(({ id }) => id === question.id),
  );
  return before.filter(({ kind }) => kind !== 'show' && kind !== 'confirm');
}

/** What was answered on this screen before, the newest `most` of it. */
function Answered({
  state,
  question,
  context,
  most,
}: {
  state: WizardState;
  question: Question;
  context: QuestionContext;
  most: number;
}) {
  const all = answeredBefore(question, context);
  const lines = all.slice(Math.max(0, all.length - most));
  return lines.map((each) => (
    <Text key={each.id} dimColor wrap="truncate">
      {`✔ ${asked(each.title)} ${each.kind === 'secret' ? hidden(textOf(each, context)) : textOf(each, context) || 'none'}`}
      {state.notes[each.id] === undefined ? '' : `  ${state.notes[each.id]}`}
    </Text>
  ));
}

function Field({
  state,
  columns,
  low,
  question,
  context,
  onText,
}: Props & { columns: number; low: boolean; context: QuestionContext }) {
  if (question.kind === 'show') {
    return <PhraseView words={context.facts.newPhrase.words} columns={columns} />;
  }
  if (question.kind === 'choice') {
    return choiceLines(question, context).map((line, index) => (
      <Text
        key={line}
        wrap={low ? 'truncate' : 'wrap'}
        {...(index === state.choice ? { color: 'cyan', bold: true } : {})}
      >
        {index === state.choice ? line : line.replace('›', ' ')}
      </Text>
    ));
  }
  const secret = question.kind === 'secret' && question.id !== 'phrase';
  const placeholder =
    question.kind === 'secret' || question.kind === 'confirm' ? '' : context.value(question.id) || 'none';
  return (
    <Box>
      <Text color="cyan">{'› '}</Text>
      {textFieldActive(state) ? (
        <TextField
          key={`${question.id}/${state.fieldRevision}`}
          value={state.draft}
          placeholder={placeholder}
          mask={secret}
          onChange={(value) => onText(question.id, value)}
        />
      ) : (
        <Text>{secret ? hidden(state.draft) : state.draft || placeholder}</Text>
      )}
    </Box>
  );
}

function Remarks({
  state,
  columns,
  question,
  context,
}: {
  state: WizardState;
  columns: number;
  question: Question;
  context: QuestionContext;
}) {
  const note = noteOf(state, question, context);
  return (
    <Box flexDirection="column">
      {note === undefined ? null : <Text>{note}</Text>}
      {state.busy === undefined ? null : <Text color="yellow">{`… ${state.busy}`}</Text>}
      {state.problem === undefined ? null : (
        <Text color="red">{brokenLines(`✖ ${safeText(state.problem)}`, columns).join('\n')}</Text>
      )}
    </Box>
  );
}

function noteOf(state: WizardState, question: Question, context: QuestionContext): string | undefined {
  const note = question.note?.(state.draft === '' ? textOf(question, context) : state.draft, context);
  return note === undefined ? undefined : `  ${note}`;
}

function explanation(question: Question, context: QuestionContext): string[] {
  const answerable = question.kind === 'text' || question.kind === 'list' || question.kind === 'choice';
  const variable = `DATAMESH_INIT_${question.id.replaceAll('-', '_').toUpperCase()}`;
  const lines = [
    ['Why', question.why],
    ['Later', question.later],
    ...(answerable
      ? [
          ['Flag', `datamesh init --${question.id} …, or ${variable}`],
          ['Default', question.default(context) || 'none'],
        ]
      : []),
  ];
  return lines.map(([label, text]) => `${label!.padEnd(8)}${text}`);
}

function linesOf(texts: readonly string[], columns: number): string[] {
  return texts.flatMap((text) => brokenLines(text, columns));
}

function Explanation({ lines }: { lines: readonly string[] }) {
  return (
    <Box marginTop={1} flexDirection="column" borderStyle="round" paddingX={1}>
      <Text>{lines.join('\n')}</Text>
    </Box>
  );
}

/** "Zone: house or datacenter (empty: none)" was the question; before an answer it is "Zone: house or datacenter:". */
function asked(title: string): string {
  const bare = title.replace(/ \([^()]*\)$/, '');
  return bare.endsWith('?') ? bare : `${bare}:`;
}

function hidden(text: string): string {
  return text === '' ? 'none' : '•••';
}
