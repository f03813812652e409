import { oneOf, type Question, YES_NO } from '../question.ts';
import { portProblem } from './network.ts';

export const NO_PORT = 'off';

function yesNo(id: string, title: string, why: string, key: string, preset: 'yes' | 'no'): Question {
  return {
    id,
    screen: 'extras',
    title,
    kind: 'choice',
    why,
    later: `datamesh config set ${key} true|false`,
    choices: YES_NO,
    default: () => preset,
    validate: oneOf(['yes', 'no']),
  };
}

export const EXTRAS_QUESTIONS: readonly Question[] = [
  yesNo(
    'autostart',
    'Start the service with the machine?',
    'Recorded in the configuration; this version does not install itself with the system yet: start it with "datamesh service".',
    'extras.autostart',
    'no',
  ),
  {
    id: 'metrics-port',
    screen: 'extras',
    title: 'Port for metrics on loopback',
    kind: 'text',
    why: 'Recorded in the configuration; this version serves no metrics yet. "off" for none.',
    later: 'datamesh config set extras.metricsPort PORT',
    default: () => NO_PORT,
    validate: (text) => (text === NO_PORT ? undefined : portProblem(text, NO_PORT)),
    check: 'port',
    softCheck: true,
  },
  yesNo(
    'update-check',
    'Look for new versions?',
    'Recorded in the configuration; this version never calls home.',
    'extras.updateCheck',
    'no',
  ),
  yesNo(
    'history',
    'Keep the history of the console?',
    'Commands are kept in a file only you can read; secrets never are.',
    'extras.history',
    'yes',
  ),
];
