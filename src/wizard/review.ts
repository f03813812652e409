/** The last look before writing: every answer with its origin, what changes in the file, and the same as one command. */
import { CONFIG_KEYS, type FieldValue, fieldOf, valueAt } from '../config/fields.ts';
import type { Config } from '../config/schema.ts';
import { formatField } from '../config/values.ts';
import { configOfAnswers } from './config-answers.ts';
import { type AnswerContext, type AnswerOrigin, askedQuestions } from './context.ts';
import type { Question } from './question.ts';
import { ANSWERABLE } from './questions/all.ts';

export interface ReviewRow {
  question: Question;
  label: string;
  value: string;
  origin: AnswerOrigin;
}

/** In the order of the questions; row n is what `e n` edits. */
export function reviewRows(context: AnswerContext): ReviewRow[] {
  return askedQuestions(context)
    .filter(({ kind }) => kind !== 'show' && kind !== 'confirm')
    .filter(({ id }) => id !== 'passphrase-again')
    .map((question) => ({
      question,
      label: question.id,
      value:
        question.kind === 'secret' ? secretText(question.id, context) : context.value(question.id) || 'none',
      origin:
        question.kind === 'secret' && (context.secrets[question.id] ?? '') !== ''
          ? 'given'
          : context.origin(question.id),
    }));
}

/** Fields that differ from the configuration being edited, as "key: old → new"; all are new when there is none. */
export function configDiff(existing: Config | undefined, next: Config): string[] {
  if (existing === undefined) return [];
  return CONFIG_KEYS.flatMap((key) => {
    const [before, after] = [valueAt(existing, key), valueAt(next, key)].map((value) =>
      formatField(fieldOf(key)!, value as FieldValue),
    );
    return before === after ? [] : [`${key}: ${before || 'none'} → ${after || 'none'}`];
  });
}

export function reviewDiff(context: AnswerContext): string[] {
  return configDiff(context.facts.existing, configOfAnswers(context));
}

/** `datamesh init --yes …` with what was given; secrets appear as the files that must hold them. */
export function oneLiner(context: AnswerContext): string {
  const asked = new Set(askedQuestions(context).map(({ id }) => id));
  const flags = ANSWERABLE.filter(({ id }) => asked.has(id) && context.origin(id) === 'given').flatMap(
    ({ id, kind }) => {
      const value = context.value(id);
      const values = kind === 'list' ? value.split(/[\s,]+/).filter((item) => item !== '') : [value];
      return values.map((item) => `--${id} ${quoted(item)}`);
    },
  );
  const secrets = [
    ...(context.value('identity') === 'phrase' ? ['--phrase-file FILE'] : []),
    ...((context.secrets.passphrase ?? '') === '' ? [] : ['--passphrase-file FILE']),
  ];
  const force = context.facts.existing === undefined ? [] : ['--force'];
  return ['datamesh init --yes', ...force, ...flags, ...secrets].join(' ');
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function secretText(id: string, context: AnswerContext): string {
  return (context.secrets[id] ?? '') === '' ? 'none' : '•••';
}
