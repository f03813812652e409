import { Box, Text } from 'ink';
import type { Row } from '../cells.ts';
import { paintRows, type Theme } from '../theme.ts';

export interface RowsViewProps {
  rows: readonly Row[];
  width: number;
  theme: Theme;
}

/**
 * Ready rows as one Text: a frame costs by nodes and characters, so a panel is a single node. Rows have the width they say and are as many as there is room,
 * so nothing hangs over that would have to be clipped, which costs a second look at every character.
 */
export function RowsView({ rows, width, theme }: RowsViewProps) {
  if (rows.length === 0) return null;
  return (
    <Box width={width} height={rows.length} flexShrink={0}>
      <Text wrap="truncate">{paintRows(rows, theme)}</Text>
    </Box>
  );
}
