/** One question: why it is asked, the field or the choices, what is wrong or worth knowing. */
import { Box, Text } from 'ink';
import { wrap } from '../../commands/format/help.ts';
import { safeText } from '../../commands/format/safe-text.ts';
import { askedQuestions, textOf } from '../context.ts';
import { contextOfState, textFieldActive } from '../navigate.ts';
import { choicesOf, type Question, type QuestionContext } from '../question.ts';
import type { WizardState } from '../state.ts';
import { PhraseView } from './phrase-view.tsx';
import { TextField } from './text-field.tsx';

interface Props {
  state: WizardState;
  question: Question;
  onText(question: string, value: string): void;
}

export function QuestionView({ state, columns, question, onText }: Props & { columns: number }) {
  const context = contextOfState(state);
  return (
    <Box flexDirection="column">
      <Answered state={state} question={question} context={context} />
      <Text bold>{question.title}</Text>
      <Text dimColor>{wrap(question.why, columns).join('\n')}</Text>
      <Box marginTop={1} flexDirection="column">
        <Field state={state} columns={columns} question={question} context={context} onText={onText} />
      </Box>
      <Remarks state={state} question={question} context={context} />
    </Box>
  );
}

/** What was answered on this screen before. */
function Answered({
  state,
  question,
  context,
}: {
  state: WizardState;
  question: Question;
  context: QuestionContext;
}) {
  const onScreen = askedQuestions(context).filter(({ screen }) => screen === question.screen);
  const before = onScreen.slice(
    0,
    onScreen.findIndex(({ id }) => id === question.id),
  );
  const lines = before.filter(({ kind }) => kind !== 'show' && kind !== 'confirm');
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
  question,
  context,
  onText,
}: Props & { columns: number; context: QuestionContext }) {
  if (question.kind === 'show') {
    return <PhraseView words={context.facts.newPhrase.words} columns={columns} />;
  }
  if (question.kind === 'choice') {
    const choices = choicesOf(question, context);
    const width = Math.max(...choices.map(({ label }) => label.length));
    return choices.map(({ value, label, note }, index) => (
      <Text key={value} {...(index === state.choice ? { color: 'cyan', bold: true } : {})}>
        {`${index === state.choice ? '›' : ' '} ${index + 1} ${label.padEnd(width)}  ${note}`}
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
  question,
  context,
}: {
  state: WizardState;
  question: Question;
  context: QuestionContext;
}) {
  const text = state.draft === '' ? textOf(question, context) : state.draft;
  const note = question.note?.(text, context);
  return (
    <Box flexDirection="column">
      {note === undefined ? null : <Text>{`  ${note}`}</Text>}
      {state.busy === undefined ? null : <Text color="yellow">{`… ${state.busy}`}</Text>}
      {state.problem === undefined ? null : <Text color="red">{`✖ ${safeText(state.problem)}`}</Text>}
      {state.explain ? <Explanation question={question} context={context} /> : null}
    </Box>
  );
}

function Explanation({ question, context }: { question: Question; context: QuestionContext }) {
  const answerable = question.kind === 'text' || question.kind === 'list' || question.kind === 'choice';
  const lines = [
    ['Why', question.why],
    ['Later', question.later],
    ...(answerable
      ? [
          [
            'Flag',
            `datamesh init --${question.id} …, or DATAMESH_INIT_${question.id.replaceAll('-', '_').toUpperCase()}`,
          ],
        ]
      : []),
    ...(answerable ? [['Default', question.default(context) || 'none']] : []),
  ];
  return (
    <Box marginTop={1} flexDirection="column" borderStyle="round" paddingX={1}>
      {lines.map(([label, text]) => (
        <Text key={label}>{`${label!.padEnd(8)}${text}`}</Text>
      ))}
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
