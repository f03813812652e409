import { MAX_SHARDS } from '../../config/fields.ts';
import { oneOf, type Question, type QuestionContext } from '../question.ts';

/** k data and m parity shards. */
export const CODE_PRESETS: Readonly<Record<string, { k: number; m: number }>> = {
  small: { k: 2, m: 1 },
  standard: { k: 4, m: 2 },
  archive: { k: 10, m: 6 },
};
const NAMES = [...Object.keys(CODE_PRESETS), 'custom'];
const isCustom = ({ value }: QuestionContext) => value('redundancy') === 'custom';

/** "4+2: ×1.50 the space, survives 2 lost nodes, needs 6" */
export function codeText(k: number, m: number): string {
  return `${k}+${m}: ×${((k + m) / k).toFixed(2)} the space, survives ${m} lost ${m === 1 ? 'node' : 'nodes'}, needs ${k + m}`;
}

export const REDUNDANCY_QUESTIONS: readonly Question[] = [
  {
    id: 'redundancy',
    screen: 'redundancy',
    title: 'How much may be lost?',
    kind: 'choice',
    why: 'A file is cut into k shards and m more are computed; any k of them give it back. Each rests on another node.',
    later: 'datamesh config set redundancy.k K, redundancy.m M (for new files), or put --code 4+2',
    choices: [
      { value: 'small', label: 'small', note: codeText(2, 1) },
      { value: 'standard', label: 'standard', note: codeText(4, 2) },
      { value: 'archive', label: 'archive', note: codeText(10, 6) },
      { value: 'custom', label: 'custom', note: 'your own numbers' },
    ],
    default: () => 'standard',
    validate: oneOf(NAMES),
  },
  {
    id: 'k',
    screen: 'redundancy',
    title: 'k: shards that are needed to read',
    kind: 'text',
    why: 'A larger k takes less space for the same safety, and more nodes.',
    later: 'datamesh config set redundancy.k K',
    asked: isCustom,
    default: () => '4',
    validate: kProblem,
  },
  {
    id: 'n',
    screen: 'redundancy',
    title: 'n: shards in all',
    kind: 'text',
    why: 'n − k nodes may be lost at once before a file is.',
    later: 'datamesh config set redundancy.m M (m is n − k)',
    asked: isCustom,
    default: ({ value }) => String(Math.min(MAX_SHARDS, Math.ceil(Number(value('k')) * 1.5) || 6)),
    validate(text, { value }) {
      const k = value('k');
      const problem = wholeFrom('n', text, 2, MAX_SHARDS);
      // Of a k that is none, k's own question says so; n is not to blame for it.
      if (problem !== undefined || kProblem(k) !== undefined) return problem;
      return Number(text) > Number(k) ? undefined : `n must be larger than k, which is ${k}`;
    },
    note: (text, { value }) => {
      const [k, n] = [Number(value('k')), Number(text)];
      return n > k ? codeText(k, n - k) : undefined;
    },
  },
];

function kProblem(text: string): string | undefined {
  return wholeFrom('k', text, 1, MAX_SHARDS - 1);
}

function wholeFrom(what: string, text: string, min: number, max: number): string | undefined {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return number >= min && number <= max ? undefined : `${what} is a whole number from ${min} to ${max}`;
}
