/** The whole wizard as one frame of text: rail, body, keys. A function of the state. */
import { Box, Text } from 'ink';
import { currentQuestion } from '../navigate.ts';
import { brokenLines } from '../review-fit.ts';
import { railOf } from '../screens.ts';
import type { WizardState } from '../state.ts';
import { QuestionView } from './question-view.tsx';
import { ReviewView } from './review-view.tsx';

interface Props {
  state: WizardState;
  columns: number;
  /** Of the terminal; without them nothing is cut. */
  rows?: number | undefined;
  onText(question: string, value: string): void;
}

export function WizardScreen({ state, columns, rows, onText }: Props) {
  return (
    <Box flexDirection="column" width={columns} paddingX={1}>
      <Box marginBottom={1} justifyContent="space-between">
        <Text bold color="cyan">
          {railOf(state.screen)}
        </Text>
        <Text dimColor>datamesh set-up</Text>
      </Box>
      <Body state={state} columns={columns - 2} rows={rows} onText={onText} />
      <Box marginTop={1}>{state.leaving ? <Text color="yellow">{LEAVE}</Text> : <Keys state={state} />}</Box>
    </Box>
  );
}

const LEAVE = 'Leave? Nothing has been written. y = leave, any other key = stay';

function Body({ state, columns, rows = Number.POSITIVE_INFINITY, onText }: Props) {
  const question = currentQuestion(state);
  if (question !== undefined)
    return <QuestionView state={state} columns={columns} question={question} onText={onText} />;
  if (state.screen === 'review') {
    // The rail and the keys with an empty line each. A frame as high as the window would scroll it.
    const keys = brokenLines(state.leaving ? LEAVE : keysText(state), columns).length;
    return <ReviewView state={state} columns={columns} height={rows - 1 - 2 - 1 - keys} />;
  }
  return state.screen === 'done' ? <DoneView state={state} /> : <PreflightView state={state} />;
}

const MARKS = { ok: ['✔', 'green'], warn: ['▲', 'yellow'], fail: ['✖', 'red'] } as const;

function PreflightView({ state }: { state: WizardState }) {
  const fatal = state.facts.preflight.some((item) => item.state === 'fail');
  return (
    <Box flexDirection="column">
      <Text>
        Your files, sealed and spread over machines that nobody has to trust. A few questions set up this
        node; every one has a default, and nothing is written before the end.
      </Text>
      <Box marginTop={1} flexDirection="column">
        {state.facts.preflight.map((item) => {
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
      {fatal ? <Text color="red">✖ mend what is marked, then press Enter to look again</Text> : null}
    </Box>
  );
}

function DoneView({ state }: { state: WizardState }) {
  const { written } = state;
  if (written === undefined) return null;
  const { k, m } = written.config.redundancy;
  const alone = written.config.network.bootstrap.length === 0;
  return (
    <Box flexDirection="column">
      <Text color="green">✔ This node is set up.</Text>
      <Text wrap="truncate">{`  Peer id  ${written.peerId}`}</Text>
      {written.files.map((file) => (
        <Text key={file} wrap="truncate">{`  Written  ${file}`}</Text>
      ))}
      <Box marginTop={1} flexDirection="column">
        <Text>Next:</Text>
        {alone ? (
          <Text>{`  datamesh bootstrap ADDRESS  meet other nodes: a file needs ${k + m} of them (${k}+${m})`}</Text>
        ) : null}
        <Text>{'  datamesh put FILE           store a file'}</Text>
        {alone ? null : <Text>{'  datamesh list               what is stored'}</Text>}
        <Text>{'  datamesh service start      run the node without a terminal'}</Text>
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
  return 'Enter next · Shift-Tab back · Ctrl-R review · ? explain · Esc leave';
}
