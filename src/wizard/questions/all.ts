/** All questions in the order they are asked. */
import type { Question } from '../question.ts';
import { ACCESS_QUESTIONS } from './access.ts';
import { BANDWIDTH_QUESTIONS } from './bandwidth.ts';
import { EXTRAS_QUESTIONS } from './extras.ts';
import { IDENTITY_QUESTIONS } from './identity.ts';
import { NETWORK_QUESTIONS } from './network.ts';
import { PROFILE_QUESTIONS } from './profile.ts';
import { REDUNDANCY_QUESTIONS } from './redundancy.ts';
import { STORAGE_QUESTIONS } from './storage.ts';

export const QUESTIONS: readonly Question[] = [
  ...PROFILE_QUESTIONS,
  ...IDENTITY_QUESTIONS,
  ...STORAGE_QUESTIONS,
  ...REDUNDANCY_QUESTIONS,
  ...NETWORK_QUESTIONS,
  ...BANDWIDTH_QUESTIONS,
  ...ACCESS_QUESTIONS,
  ...EXTRAS_QUESTIONS,
];

const BY_ID = new Map(QUESTIONS.map((question) => [question.id, question]));

export function questionOf(id: string): Question {
  const question = BY_ID.get(id);
  if (question === undefined) throw new RangeError(`no question ${id}`);
  return question;
}

/** Questions whose answers are plain text: what flags, variables and answers files may give. */
export const ANSWERABLE: readonly Question[] = QUESTIONS.filter(
  ({ kind }) => kind === 'text' || kind === 'list' || kind === 'choice',
);
