/** The 24 words in numbered columns, for writing down. */
import { Box, Text } from 'ink';

const COLUMNS = 4;
/** The longest word of the list has 8 letters. */
const WORD_CELLS = 8;

export function PhraseView({ words }: { words: readonly string[] }) {
  const rows = Math.ceil(words.length / COLUMNS);
  return (
    <Box flexDirection="column">
      {Array.from({ length: rows }, (_, row) => (
        <Text key={words[row]! + String(row)} bold>
          {Array.from({ length: COLUMNS }, (_, column) => {
            const index = column * rows + row;
            return `${String(index + 1).padStart(4)}. ${(words[index] ?? '').padEnd(WORD_CELLS)}`;
          }).join('')}
        </Text>
      ))}
    </Box>
  );
}
