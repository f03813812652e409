import { parseRate } from '../../config/units.ts';
import type { Question } from '../question.ts';

export const UNLIMITED = 'unlimited';

function rate(id: 'up' | 'down', title: string, key: string): Question {
  return {
    id,
    screen: 'bandwidth',
    title,
    kind: 'text',
    why: 'So that the mesh leaves room on your line. 0 means the same as "unlimited": no cap.',
    later: `datamesh config set ${key} RATE`,
    default: () => UNLIMITED,
    validate: (text) =>
      text === UNLIMITED || parseRate(text) !== undefined
        ? undefined
        : 'a rate such as 2MiB/s or 500kB/s, or "unlimited"',
  };
}

export const BANDWIDTH_QUESTIONS: readonly Question[] = [
  rate('up', 'Most to send, per second', 'bandwidth.upBytesPerSecond'),
  rate('down', 'Most to receive, per second', 'bandwidth.downBytesPerSecond'),
];
