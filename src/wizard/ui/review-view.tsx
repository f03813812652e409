/** The review: every answer numbered, what changes, the same as one command, and what to do. */
import { Box, Text } from 'ink';
import { safeText } from '../../commands/format/safe-text.ts';
import { problemsOf } from '../context.ts';
import { contextOfState } from '../navigate.ts';
import { oneLiner, type ReviewRow, reviewDiff, reviewRows } from '../review.ts';
import { brokenLines, fitReview } from '../review-fit.ts';
import { REVIEW_ACTIONS, type WizardState } from '../state.ts';

const ACTION_LABELS: Record<(typeof REVIEW_ACTIONS)[number], string> = {
  write: 'Write',
  back: 'Back',
  save: 'Save answers only',
  quit: 'Quit',
};
/** Two columns fit from here on, and spare a small screen half the lines. */
const TWO_COLUMNS = 76;

export function ReviewView({
  state,
  columns,
  height,
}: {
  state: WizardState;
  columns: number;
  height: number;
}) {
  const context = contextOfState(state);
  const rows = reviewRows(context);
  const wide = columns >= TWO_COLUMNS;
  const width = wide ? Math.floor(columns / 2) - 2 : columns - 1;
  // A value in another's place would be a riddle: the difference is only shown once everything is right.
  const diff = problemsOf(context).length === 0 ? reviewDiff(context) : [];
  const same = brokenLines(`Same  ${oneLiner(context)}`, columns);
  const problem = state.problem === undefined ? [] : brokenLines(`✖ ${safeText(state.problem)}`, columns);
  const actions = brokenLines(
    REVIEW_ACTIONS.map((action) => `› ${ACTION_LABELS[action]}`).join('  '),
    columns,
  );
  const fit = fitReview(
    {
      answers: rows.length,
      columns: wide ? 2 : 1,
      typed: Number(/\d+/.exec(state.command)?.[0] ?? 0),
      diff: diff.length,
      same: same.length,
      below:
        1 +
        actions.length +
        (state.command === '' ? 0 : 1) +
        (state.busy === undefined ? 0 : 1) +
        problem.length,
    },
    height,
  );
  const inSight = rows.slice(fit.from, fit.to);
  return (
    <Box flexDirection="column">
      <Box>
        {/* An empty column would take its width from the other. */}
        {[inSight.slice(0, fit.perColumn), inSight.slice(fit.perColumn)].map((part, column) =>
          part.length === 0 ? null : (
            <Box key={part[0]!.label} flexDirection="column" width={width} marginRight={1}>
              {part.map((row, index) => (
                <Line key={row.label} row={row} number={fit.from + column * fit.perColumn + index + 1} />
              ))}
            </Box>
          ),
        )}
      </Box>
      {inSight.length === rows.length ? null : (
        <Text dimColor wrap="truncate">
          {`${fit.from + 1}–${fit.to} of ${rows.length}: type a number to see it`}
        </Text>
      )}
      {fit.diff === 0 ? null : (
        <Box marginTop={1} flexDirection="column">
          {diff.slice(0, fit.diff).map((line) => (
            <Text key={line} color="yellow" wrap="truncate">{`~ ${line}`}</Text>
          ))}
          {diff.length > fit.diff ? (
            <Text color="yellow" wrap="truncate">{`~ and ${diff.length - fit.diff} more`}</Text>
          ) : null}
        </Box>
      )}
      {fit.same === 0 ? null : (
        <Box marginTop={1} flexDirection="column">
          <Text wrap="truncate">{`File  ${context.facts.configPath}`}</Text>
          <Text>{cutLines(same, fit.same, columns)}</Text>
        </Box>
      )}
      <Box marginTop={1} columnGap={2} flexWrap="wrap">
        {REVIEW_ACTIONS.map((action, index) => (
          <Text key={action} {...(index === state.choice ? { color: 'cyan', bold: true } : {})}>
            {`${index === state.choice ? '›' : ' '} ${ACTION_LABELS[action]}`}
          </Text>
        ))}
      </Box>
      {state.command === '' ? null : <Text>{`› ${state.command}`}</Text>}
      {state.busy === undefined ? null : <Text color="yellow">{`… ${state.busy}`}</Text>}
      {problem.length === 0 ? null : <Text color="red">{problem.join('\n')}</Text>}
    </Box>
  );
}

/** The command is as long as the answers make it; its beginning says what it is. */
function cutLines(lines: readonly string[], count: number, columns: number): string {
  const shown = lines.slice(0, count);
  if (lines.length > count) shown.push(`${(shown.pop() ?? '').slice(0, columns - 2)} …`);
  return shown.join('\n');
}

function Line({ row, number }: { row: ReviewRow; number: number }) {
  const mark = row.origin === 'default' ? ' ' : row.origin === 'given' ? '*' : '=';
  return (
    <Text wrap="truncate">{`${String(number).padStart(2)} ${row.label.padEnd(15)} ${row.value} ${mark}`}</Text>
  );
}
