/** The whole wizard as one frame of text: rail, body, keys. A function of the state. */
import { Box, Text } from 'ink';
import { currentQuestion } from '../navigate.ts';
import { ALL_FITS } from '../question-fit.ts';
import { brokenLines } from '../review-fit.ts';
import { railOf } from '../screens.ts';
import type { WizardState } from '../state.ts';
import { QuestionView, questionFit } from './question-view.tsx';
import { ReviewView } from './review-view.tsx';

interface Props {
  state: WizardState;
  columns: number;
  /** Of the terminal; without them nothing is cut. */
  rows?: number | undefined;
  onText(question: string, value: string): void;
}

export function WizardScreen({ state, columns, rows = Number.POSITIVE_INFINITY, onText }: Props) {
  const room = columns - 2;
  const keys = brokenLines(state.leaving ? LEAVE : keysText(state), room).length;
  // Between the rail and the keys. A frame as high as the window would scroll it.
  const height = rows - 1 - 1 - keys;
  const question = currentQuestion(state);
  const fit = question === undefined ? ALL_FITS : questionFit(state, question, room, height);
  const apart = question === undefined ? height >= restLines(state, room) + 2 : fit.margins;
  return (
    <Box flexDirection="column" width={columns} paddingX={1}>
      <Box marginBottom={apart ? 1 : 0} justifyContent="space-between">
        <Text bold color="cyan">
          {railOf(state.screen)}
        </Text>
        <Text dimColor>datamesh set-up</Text>
      </Box>
      {question === undefined ? (
        <Rest state={state} columns={room} height={apart ? height - 2 : height} />
      ) : (
        <QuestionView
          state={state}
          columns={room}
          height={height}
          fit={fit}
          question={question}
          onText={onText}
        />
      )}
      <Box marginTop={apart ? 1 : 0}>
        {state.leaving ? <Text color="yellow">{LEAVE}</Text> : <Keys state={state} />}
      </Box>
    </Box>
  );
}

const LEAVE = 'Leave? Nothing has been written. y = leave, any other key = stay';

function Rest({ state, columns, height }: { state: WizardState; columns: number; height: number }) {
  if (state.screen === 'review') return <ReviewView state={state} columns={columns} height={height} />;
  if (state.screen === 'done') return <DoneView state={state} columns={columns} height={height} />;
  return <PreflightView state={state} columns={columns} height={height} />;
}

/** Lines of a screen without a question that are worth more than the empty ones around them; the review looks after itself. */
function restLines(state: WizardState, columns: number): number {
  if (state.screen === 'review') return 0;
  return state.screen === 'done'
    ? doneLines(state, columns)
    : state.facts.preflight.length + belowPreflight(state, columns);
}

const MARKS = { ok: ['✔', 'green'], warn: ['▲', 'yellow'], fail: ['✖', 'red'] } as const;

const WELCOME =
  'Your files, sealed and spread over machines that nobody has to trust. A few questions set up this node; every one has a default, and nothing is written before the end.';

const MEND = '✖ mend what is marked, then press Enter to look again';

function belowPreflight({ busy, facts }: WizardState, columns: number): number {
  const fatal = facts.preflight.some((item) => item.state === 'fail');
  const lines = [...(busy === undefined ? [] : [`… ${busy}`]), ...(fatal ? [MEND] : [])];
  return lines.flatMap((line) => brokenLines(line, columns)).length;
}

function PreflightView({ state, columns, height }: { state: WizardState; columns: number; height: number }) {
  const { preflight } = state.facts;
  const fatal = preflight.some((item) => item.state === 'fail');
  const room = height - belowPreflight(state, columns);
  const welcome = preflight.length + 1 + brokenLines(WELCOME, columns).length <= room;
  // What is wrong is in sight, whatever is not.
  const first = [...preflight].sort((a, b) => rank(a.state) - rank(b.state)).slice(0, Math.max(1, room));
  const items = preflight.filter((item) => first.includes(item));
  return (
    <Box flexDirection="column">
      {welcome ? <Text>{WELCOME}</Text> : null}
      <Box marginTop={welcome ? 1 : 0} flexDirection="column">
        {items.map((item) => {
          const [mark, color] = MARKS[item.state];
          return (
            <Text key={item.label} wrap="truncate">
              <Text color={color}>{mark}</Text>
              {` ${item.label.padEnd(14)} ${item.detail}`}
            </Text>
          );
        })}
      </Box>
      {state.busy === undefined ? null : <Text color="yellow">{`… ${state.busy}`}</Text>}
      {fatal ? <Text color="red">{MEND}</Text> : null}
    </Box>
  );
}

const rank = (state: keyof typeof MARKS) => ['fail', 'warn', 'ok'].indexOf(state);

function nextSteps({ written }: WizardState): string[] {
  if (written === undefined) return [];
  const { k, m } = written.config.redundancy;
  const alone = written.config.network.bootstrap.length === 0;
  return [
    ...(alone
      ? [`  datamesh bootstrap ADDRESS  meet other nodes: a file needs ${k + m} of them (${k}+${m})`]
      : []),
    '  datamesh put FILE           store a file',
    ...(alone ? [] : ['  datamesh list               what is stored']),
    '  datamesh service start      run the node without a terminal',
  ];
}

/** Without the files, which follow from the review, and without empty lines. */
function doneLines(state: WizardState, columns: number): number {
  return 3 + nextSteps(state).reduce((sum, text) => sum + brokenLines(text, columns).length, 0);
}

function DoneView({ state, columns, height }: { state: WizardState; columns: number; height: number }) {
  const { written } = state;
  if (written === undefined) return null;
  const apart = height > doneLines(state, columns);
  const files = written.files.slice(0, Math.max(0, height - doneLines(state, columns) - 1));
  return (
    <Box flexDirection="column">
      <Text color="green">✔ This node is set up.</Text>
      <Text wrap="truncate">{`  Peer id  ${written.peerId}`}</Text>
      {files.map((file) => (
        <Text key={file} wrap="truncate">{`  Written  ${file}`}</Text>
      ))}
      <Box marginTop={apart ? 1 : 0} flexDirection="column">
        <Text>Next:</Text>
        {nextSteps(state).map((text) => (
          <Text key={text}>{text}</Text>
        ))}
      </Box>
    </Box>
  );
}

function Keys({ state }: { state: WizardState }) {
  return <Text dimColor>{keysText(state)}</Text>;
}

function keysText(state: WizardState): string {
  if (state.explain) return 'any key closes the explanation';
  if (state.screen === 'preflight') return 'Enter begin · Esc leave';
  if (state.screen === 'done')
    return state.offersConsole ? 'Enter open the console · q quit' : 'Enter finish';
  if (state.screen === 'review') return 'Enter do it · arrows choose · e 4 Enter change line 4 · Esc leave';
  // What is typed into a secret is part of it.
  const explain = currentQuestion(state)?.kind === 'secret' ? '' : '? explain · ';
  return `Enter next · Shift-Tab back · Ctrl-R review · ${explain}Esc leave`;
}
