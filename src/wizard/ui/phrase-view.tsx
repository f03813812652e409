/** The 24 words in numbered columns, for writing down. */
import { Box, Text } from 'ink';

const COLUMNS = 4;
/** The longest word of the list has 8 letters. */
const WORD_CELLS = 8;
/** "  12. abandon " side by side, or closer where there is less room. */
const WIDE_CELLS = 6 + WORD_CELLS;
const NARROW_CELLS = 4 + WORD_CELLS;

function columnsIn(room: number): number {
  if (room >= COLUMNS * WIDE_CELLS) return COLUMNS;
  return Math.max(1, Math.min(COLUMNS, Math.floor((room + 1) / (NARROW_CELLS + 1))));
}

export function phraseRows(words: number, room: number): number {
  return Math.ceil(words / columnsIn(room));
}

/** No word is ever broken from its number: one that is written down wrongly is found out when it is too late. */
export function PhraseView({ words, columns: room }: { words: readonly string[]; columns: number }) {
  const wide = room >= COLUMNS * WIDE_CELLS;
  const columns = columnsIn(room);
  const rows = phraseRows(words.length, room);
  return (
    <Box flexDirection="column">
      {Array.from({ length: rows }, (_, row) => (
        <Text key={words[row]! + String(row)} bold>
          {Array.from({ length: columns }, (_, column) => {
            const index = column * rows + row;
            const word = (words[index] ?? '').padEnd(WORD_CELLS);
            return wide
              ? `${String(index + 1).padStart(4)}. ${word}`
              : `${String(index + 1).padStart(2)}. ${word}`;
          }).join(wide ? '' : ' ')}
        </Text>
      ))}
    </Box>
  );
}
