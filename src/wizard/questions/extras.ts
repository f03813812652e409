import { oneOf, type Question, YES_NO } from '../question.ts';

export const EXTRAS_QUESTIONS: readonly Question[] = [
  {
    id: 'history',
    screen: 'extras',
    title: 'Keep the history of the console?',
    kind: 'choice',
    why: 'Commands are kept in a file only you can read; secrets never are.',
    later: 'datamesh config set console.history true|false',
    choices: YES_NO,
    default: () => 'yes',
    validate: oneOf(['yes', 'no']),
  },
];
