/**
 * The flags of `init`. One for each question of the wizard, which cannot be asked here: it is loaded only when `init` runs.
 * A test holds the two lists together.
 */
import type { OptionSpec } from '../command.ts';

const text = { kind: 'string' } as const;
const yesNo = { kind: 'enum', values: ['yes', 'no'] } as const;

export const QUESTION_OPTIONS: readonly OptionSpec[] = [
  { name: 'name', type: text, summary: 'Name of this node (default: of the machine)' },
  { name: 'data-dir', type: { kind: 'path' }, summary: 'Folder for identity, keyring, shards and catalog' },
  {
    name: 'role',
    type: { kind: 'enum', values: ['regular', 'bootstrap', 'service'] },
    summary: 'What the node is for',
  },
  {
    name: 'identity',
    type: { kind: 'enum', values: ['keep', 'new', 'phrase', 'file'] },
    summary: 'Owner key: keep, make a new one, from 24 words, or from an exported file',
  },
  { name: 'key-name', type: text, summary: 'Name of the owner key in the keyring' },
  {
    name: 'key-file',
    type: { kind: 'path' },
    summary: 'File of an exported owner key (with --identity file)',
  },
  { name: 'reserve', type: text, summary: 'Percent of the disk that stays free' },
  { name: 'quota', type: text, summary: 'Space to offer for shards, e.g. 50GiB' },
  {
    name: 'redundancy',
    type: { kind: 'enum', values: ['small', 'standard', 'archive', 'custom'] },
    summary: 'small 2+1, standard 4+2, archive 10+6, or custom with --k and --n',
  },
  { name: 'k', type: text, summary: 'Shards that are needed to read' },
  { name: 'n', type: text, summary: 'Shards in all' },
  { name: 'network-name', type: text, summary: 'Network id; nodes of different networks never mix' },
  {
    name: 'network',
    type: { kind: 'enum', values: ['local', 'lan', 'custom'] },
    summary: 'Where the other nodes are',
  },
  { name: 'listen', type: text, summary: 'Port to listen on, or auto' },
  {
    name: 'bootstrap',
    type: { kind: 'multiaddr' },
    repeatable: true,
    summary: 'Address of a node to begin with',
  },
  { name: 'zone', type: text, summary: 'House or datacenter of this node' },
  { name: 'rack', type: text, summary: 'Rack or room within the zone' },
  { name: 'up', type: text, summary: 'Most to send per second, e.g. 2MiB/s, or unlimited' },
  { name: 'down', type: text, summary: 'Most to receive per second' },
  {
    name: 'access',
    type: { kind: 'enum', values: ['allow-list', 'open'] },
    summary: 'Who may store on this node',
  },
  { name: 'allow', type: text, repeatable: true, summary: 'Owner id or peer id to let in' },
  { name: 'deny', type: text, repeatable: true, summary: 'Owner id or peer id to keep out' },
  { name: 'history', type: yesNo, summary: 'Keep the history of the console' },
];

const file = { kind: 'path', dash: true } as const;

export const INIT_OPTIONS: readonly OptionSpec[] = [
  ...QUESTION_OPTIONS,
  {
    name: 'phrase-file',
    type: file,
    summary: 'File with the 24 words (with --identity phrase); - reads them from standard input',
  },
  { name: 'key-passphrase-file', type: file, summary: 'File with the passphrase of the exported key' },
  { name: 'passphrase-file', type: file, summary: 'File with a passphrase that locks the new keyring' },
  { name: 'passphrase-stdin', summary: 'Read that passphrase from standard input' },
  {
    name: 'answers',
    type: file,
    summary: 'JSON file of answers by flag name; - reads it from standard input',
  },
  { name: 'print-questions', summary: 'Print every question as JSON and change nothing' },
  { name: 'print-answers', summary: 'Print all answers as JSON, for --answers, and change nothing' },
  { name: 'force', summary: 'Replace a configuration that is there (it is kept as .bak)' },
];
