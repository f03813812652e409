import { checkAllowed, checkEach } from '../../config/checks.ts';
import { oneOf, type Question } from '../question.ts';
import { listOf } from './network.ts';

export const ACCESS_QUESTIONS: readonly Question[] = [
  {
    id: 'access',
    screen: 'access',
    title: 'Who may store on this node?',
    kind: 'choice',
    why: 'Your own owners always may. Others only see sealed shards, but they take your space.',
    later: 'datamesh config set access.mode MODE',
    choices: [
      { value: 'allow-list', label: 'allow-list', note: 'own owners, and those you list' },
      { value: 'open', label: 'open', note: 'anybody in the network' },
    ],
    default: () => 'allow-list',
    validate: oneOf(['allow-list', 'open']),
  },
  {
    id: 'allow',
    screen: 'access',
    title: 'Owners or peers to let in (empty: none but your own)',
    kind: 'list',
    why: 'Owner ids (64 hex digits, "datamesh keys list") or peer ids (12D3KooW…, "datamesh status").',
    later: 'datamesh config set access.allow ID,ID',
    asked: ({ value }) => value('access') === 'allow-list',
    default: () => '',
    validate: (text) => checkEach(checkAllowed)(listOf(text)),
  },
  {
    id: 'deny',
    screen: 'access',
    title: 'Owners or peers to keep out',
    kind: 'list',
    why: 'They cannot even connect. Nobody is kept out at first.',
    later: 'datamesh config set access.deny ID,ID',
    flagOnly: true,
    default: () => '',
    validate: (text) => checkEach(checkAllowed)(listOf(text)),
  },
];
