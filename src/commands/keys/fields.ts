/** Fields of the records of the key commands. */
import { dryRun, type Fields, text, timeMs, yesNo } from '../fields.ts';

export const KEY_FIELDS: Fields = {
  name: text,
  ownerId: text,
  default: yesNo,
  protected: yesNo,
  createdAtMs: timeMs,
};

/** The words for programs only; a person gets them beside the record. */
export const NEW_KEY_FIELDS: Fields = { ...KEY_FIELDS, 'phrase?': text };

/** To a file, or the words themselves. */
export const EXPORT_KEY_FIELDS: readonly Fields[] = [
  { name: text, file: text, 'dryRun?': dryRun },
  { name: text, phrase: text },
];
