import { checkBootstrap, checkEach, checkLabel, checkNetworkName, MAX_PORT } from '../../config/checks.ts';
import { oneOf, type Question } from '../question.ts';

/** Others must know it beforehand; any port of the dynamic range below Linux's own would do. */
export const BOOTSTRAP_PORT = 40871;
export const AUTO_PORT = 'auto';

export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((item) => item !== '');
}

export const NETWORK_QUESTIONS: readonly Question[] = [
  {
    id: 'network-name',
    screen: 'network',
    title: 'Name of the network',
    kind: 'text',
    flagOnly: true,
    why: 'Nodes of different networks never mix.',
    later: 'datamesh config set network.name NAME',
    default: () => 'main',
    validate: checkNetworkName,
  },
  {
    id: 'network',
    screen: 'network',
    title: 'Where are the other nodes?',
    kind: 'choice',
    why: 'It decides which addresses this node listens on.',
    later: 'datamesh config set network.preset PRESET',
    choices: [
      { value: 'local', label: 'local', note: 'on this machine only (loopback): for trying out' },
      { value: 'lan', label: 'lan', note: 'in the local network' },
      { value: 'custom', label: 'custom', note: 'anywhere: listens on every address' },
    ],
    default: () => 'local',
    validate: oneOf(['local', 'lan', 'custom']),
  },
  {
    id: 'listen',
    screen: 'network',
    title: 'Port to listen on',
    kind: 'text',
    why: 'With "auto" the system chooses a free one at each start. A node that others are pointed at needs a fixed one.',
    later: 'datamesh config set network.port PORT',
    default: ({ value }) => (value('role') === 'bootstrap' ? String(BOOTSTRAP_PORT) : AUTO_PORT),
    validate: (text) => (text === AUTO_PORT ? undefined : portProblem(text, AUTO_PORT)),
    check: 'port',
    softCheck: true,
  },
  {
    id: 'bootstrap',
    screen: 'network',
    title: 'Addresses of nodes to begin with (empty: none)',
    kind: 'list',
    why: 'The network is found through any one of them. "datamesh status" on that node prints its addresses.',
    later:
      'datamesh config set network.bootstrap ADDRESS,ADDRESS, or datamesh bootstrap ADDRESS for this run',
    default: () => '',
    validate: (text) => checkEach(checkBootstrap)(listOf(text)),
    check: 'bootstrap',
    softCheck: true,
  },
  {
    id: 'zone',
    screen: 'network',
    title: 'Zone: house or datacenter (empty: none)',
    kind: 'text',
    flagOnly: true,
    why: 'Where this node stands; every node shows it in its table of peers.',
    later: 'datamesh config set network.zone ZONE',
    default: () => '',
    validate: checkLabel,
  },
  {
    id: 'rack',
    screen: 'network',
    title: 'Rack: room or power strip within the zone (empty: none)',
    kind: 'text',
    flagOnly: true,
    why: 'The same, one size smaller.',
    later: 'datamesh config set network.rack RACK',
    default: () => '',
    validate: checkLabel,
  },
];

export function portProblem(text: string, other: string): string | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port >= 1 && port <= MAX_PORT ? undefined : `a port from 1 to ${MAX_PORT}, or "${other}"`;
}
