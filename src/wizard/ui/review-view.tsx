/** The review: every answer numbered, what changes, the same as one command, and what to do. */
import { Box, Text } from 'ink';
import { problemsOf } from '../context.ts';
import { contextOfState } from '../navigate.ts';
import { oneLiner, type ReviewRow, reviewDiff, reviewRows } from '../review.ts';
import { REVIEW_ACTIONS, type WizardState } from '../state.ts';

const ACTION_LABELS: Record<(typeof REVIEW_ACTIONS)[number], string> = {
  write: 'Write',
  back: 'Back',
  save: 'Save answers only',
  quit: 'Quit',
};
/** Two columns fit from here on, and spare a small screen half the lines. */
const TWO_COLUMNS = 76;
const MAX_DIFF_LINES = 6;

export function ReviewView({ state, columns }: { state: WizardState; columns: number }) {
  const context = contextOfState(state);
  const rows = reviewRows(context);
  const wide = columns >= TWO_COLUMNS;
  const half = wide ? Math.ceil(rows.length / 2) : rows.length;
  const width = wide ? Math.floor(columns / 2) - 2 : columns - 1;
  // A value in another's place would be a riddle: the difference is only shown once everything is right.
  const diff = problemsOf(context).length === 0 ? reviewDiff(context) : [];
  return (
    <Box flexDirection="column">
      <Box>
        {[rows.slice(0, half), rows.slice(half)].map((part, column) => (
          <Box key={part[0]?.label ?? 'none'} flexDirection="column" width={width} marginRight={1}>
            {part.map((row, index) => (
              <Line key={row.label} row={row} number={column * half + index + 1} />
            ))}
          </Box>
        ))}
      </Box>
      {diff.length === 0 ? null : (
        <Box marginTop={1} flexDirection="column">
          {diff.slice(0, MAX_DIFF_LINES).map((line) => (
            <Text key={line} color="yellow" wrap="truncate">{`~ ${line}`}</Text>
          ))}
          {diff.length > MAX_DIFF_LINES ? (
            <Text color="yellow">{`~ and ${diff.length - MAX_DIFF_LINES} more`}</Text>
          ) : null}
        </Box>
      )}
      <Box marginTop={1} flexDirection="column">
        <Text wrap="truncate">{`File  ${context.facts.configPath}`}</Text>
        <Text wrap="wrap">{`Same  ${oneLiner(context)}`}</Text>
      </Box>
      <Box marginTop={1} gap={2}>
        {REVIEW_ACTIONS.map((action, index) => (
          <Text key={action} {...(index === state.choice ? { color: 'cyan', bold: true } : {})}>
            {`${index === state.choice ? '›' : ' '} ${ACTION_LABELS[action]}`}
          </Text>
        ))}
      </Box>
      {state.command === '' ? null : <Text>{`› ${state.command}`}</Text>}
      {state.busy === undefined ? null : <Text color="yellow">{`… ${state.busy}`}</Text>}
      {state.problem === undefined ? null : <Text color="red">{`✖ ${state.problem}`}</Text>}
    </Box>
  );
}

function Line({ row, number }: { row: ReviewRow; number: number }) {
  const mark = row.origin === 'default' ? ' ' : row.origin === 'given' ? '*' : '=';
  return (
    <Text wrap="truncate">{`${String(number).padStart(2)} ${row.label.padEnd(15)} ${row.value} ${mark}`}</Text>
  );
}
