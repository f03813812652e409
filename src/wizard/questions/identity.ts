import { isKeyName } from '../../engine/keys/keyring-file.ts';
import { entropyOfPhrase } from '../../engine/keys/phrase.ts';
import { MIN_BITS, passphraseStrength } from '../../engine/keys/strength.ts';
import { DatameshError } from '../../errors.ts';
import { type Choice, oneOf, type Question, type QuestionContext } from '../question.ts';

const NEW_KEY = 'new';
const KEEP_KEY = 'keep';

/** Whether the data folder has owner keys already: then keeping them is the default. */
function keysThere({ facts, value }: QuestionContext): string[] {
  return facts.disks[value('data-dir')]?.keys ?? [];
}

function identityChoices(context: QuestionContext): readonly Choice[] {
  const keys = keysThere(context);
  const keep: Choice[] =
    keys.length === 0
      ? []
      : [{ value: KEEP_KEY, label: 'keep', note: `the keys that are there: ${keys.join(', ')}` }];
  return [
    ...keep,
    { value: NEW_KEY, label: 'new', note: 'make a new owner key: 24 words to write down' },
    { value: 'phrase', label: 'phrase', note: 'enter the 24 words of an owner you have' },
    { value: 'file', label: 'file', note: 'read a key that was exported with "datamesh keys export"' },
  ];
}

const isNew = ({ value }: QuestionContext) => value('identity') === NEW_KEY;

function confirmWord(id: string, which: 0 | 1): Question {
  return {
    id,
    screen: 'identity',
    title: which === 0 ? 'First check of what you wrote down' : 'Second check',
    kind: 'confirm',
    why: 'The 24 words are the only way back to your files when this machine is lost. Nobody else has them.',
    later: 'datamesh keys export NAME shows the words again, while this machine lives',
    asked: isNew,
    default: () => '',
    validate(text, { facts }) {
      const place = facts.newPhrase.ask[which];
      const right = text.trim().toLowerCase() === facts.newPhrase.words[place];
      return right
        ? undefined
        : `that is not word ${place + 1}; look at what you wrote down (Shift-Tab shows the words again)`;
    },
    note: (_, { facts }) => `Type word ${facts.newPhrase.ask[which] + 1} of the 24.`,
  };
}

export const IDENTITY_QUESTIONS: readonly Question[] = [
  {
    id: 'role',
    screen: 'identity',
    title: 'What is this node for?',
    kind: 'choice',
    why: 'A bootstrap node listens on a fixed port, so that others find the network through it.',
    later: 'datamesh config set node.role ROLE',
    choices: [
      { value: 'regular', label: 'regular', note: 'store files and offer space' },
      { value: 'bootstrap', label: 'bootstrap', note: 'the same, and a meeting point on a fixed port' },
      { value: 'service', label: 'service', note: 'an always-on server that offers space' },
    ],
    default: () => 'regular',
    validate: oneOf(['regular', 'bootstrap', 'service']),
  },
  {
    id: 'identity',
    screen: 'identity',
    title: 'Who owns what you store?',
    kind: 'choice',
    why: 'Files are sealed to an owner key. It comes from 24 words; the node itself always gets a key of its own.',
    later: 'datamesh keys new, datamesh keys import, datamesh keys default',
    choices: identityChoices,
    default: (context) => (keysThere(context).length > 0 ? KEEP_KEY : NEW_KEY),
    validate: (text, context) => oneOf(identityChoices(context).map(({ value }) => value))(text),
  },
  {
    id: 'key-name',
    screen: 'identity',
    title: 'Name of the owner key',
    kind: 'text',
    flagOnly: true,
    why: 'A keyring may hold several owners; the name tells them apart.',
    later: 'datamesh keys list',
    asked: ({ value }) => value('identity') !== KEEP_KEY,
    default: (context) => (keysThere(context).includes('main') ? 'owner' : 'main'),
    validate(text, context) {
      if (!isKeyName(text)) return 'use 1 to 63 lower-case letters, digits and dashes';
      return keysThere(context).includes(text) ? `the keyring has a key "${text}" already` : undefined;
    },
  },
  {
    id: 'show-phrase',
    screen: 'identity',
    title: 'Write down these 24 words, in this order',
    kind: 'show',
    why: 'On paper, not in a file. Whoever has them has your files; without them a lost machine takes your files along.',
    later: 'datamesh keys export NAME shows the words again, while this machine lives',
    asked: isNew,
    default: () => '',
    validate: () => undefined,
  },
  confirmWord('word-one', 0),
  confirmWord('word-two', 1),
  {
    id: 'phrase',
    screen: 'identity',
    title: 'Enter the 24 words',
    kind: 'secret',
    why: 'All keys of the owner follow from them. They are kept in the keyring of this node, nowhere else.',
    later: 'datamesh keys import NAME',
    asked: ({ value }) => value('identity') === 'phrase',
    needed: true,
    fileFlag: 'phrase-file',
    default: () => '',
    validate: (text) => problemOf(() => entropyOfPhrase(text)),
  },
  {
    id: 'key-file',
    screen: 'identity',
    title: 'File of the exported key',
    kind: 'text',
    why: 'A file written by "datamesh keys export --encrypted", or one that holds the 24 words.',
    later: 'datamesh keys import NAME --file FILE',
    asked: ({ value }) => value('identity') === 'file',
    needed: true,
    default: () => '',
    validate: (text) => (text === '' ? 'name the file' : undefined),
    check: 'key-file',
  },
  {
    id: 'key-passphrase',
    screen: 'identity',
    title: 'Passphrase of the exported key (empty for a file of 24 words)',
    kind: 'secret',
    why: 'An exported key is locked with the passphrase that was given when it was exported.',
    later: 'datamesh keys import NAME --file FILE',
    asked: ({ value }) => value('identity') === 'file',
    fileFlag: 'key-passphrase-file',
    default: () => '',
    validate: () => undefined,
  },
  {
    id: 'passphrase',
    screen: 'identity',
    title: 'Passphrase for the keyring (empty: none)',
    kind: 'secret',
    why: 'With one, the owner key is useless to whoever copies the disk, and datamesh asks for it at each start. Without, only the file mode guards it.',
    later: 'datamesh keys export, then datamesh keys import with another passphrase',
    asked: ({ value }) => value('identity') !== KEEP_KEY,
    fileFlag: 'passphrase-file',
    default: () => '',
    validate(text) {
      if (text === '') return undefined;
      const { bits, advice } = passphraseStrength(text);
      return bits < MIN_BITS
        ? `too easy to guess (about ${bits} bits, ${MIN_BITS} are needed): ${advice}`
        : undefined;
    },
  },
  {
    id: 'passphrase-again',
    screen: 'identity',
    title: 'The same passphrase again',
    kind: 'secret',
    why: 'A mistyped passphrase would lock you out.',
    later: 'datamesh keys export, then datamesh keys import with another passphrase',
    asked: ({ secrets }) => (secrets.passphrase ?? '') !== '',
    default: () => '',
    validate: (text, { secrets }) =>
      text === secrets.passphrase ? undefined : 'the two are not the same; Shift-Tab goes back to the first',
  },
];

function problemOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof DatameshError) return error.mend ? `${error.message}; ${error.mend}` : error.message;
    throw error;
  }
}
