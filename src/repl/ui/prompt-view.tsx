import { Text, useCursor } from 'ink';

export interface PromptViewProps {
  /** The painted row. */
  text: string;
  /** Where the terminal's own caret goes; undefined hides it (a panel has the keyboard). */
  caret: { x: number; y: number } | undefined;
}

/** The prompt's row. The terminal's caret stands in it, so input methods and screen readers find it. */
export function PromptView({ text, caret }: PromptViewProps) {
  const { setCursorPosition } = useCursor();
  setCursorPosition(caret);
  return <Text wrap="truncate">{text}</Text>;
}
