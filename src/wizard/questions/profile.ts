import { checkAbsolute, checkNodeName } from '../../config/checks.ts';
import type { Question } from '../question.ts';

export const PROFILE_QUESTIONS: readonly Question[] = [
  {
    id: 'name',
    screen: 'profile',
    title: 'Name of this node',
    kind: 'text',
    why: 'Other nodes and the console show it. It need not be unique: the node is known by its key.',
    later: 'datamesh config set node.name NAME',
    default: ({ facts }) => facts.defaultName,
    validate: checkNodeName,
  },
  {
    id: 'data-dir',
    screen: 'profile',
    title: 'Data folder',
    kind: 'text',
    why: 'Identity, keyring, shards and catalog lie there. It must be empty or a datamesh folder, on a local disk.',
    later: 'datamesh config set node.dataDir FOLDER (stop the node and move the folder first)',
    default: ({ facts }) => facts.defaultDataDir,
    validate: (text) => checkAbsolute(text),
    check: 'data-dir',
  },
];
