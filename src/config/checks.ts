/** Checks of single values, shared by the configuration and the wizard. Each gives a sentence of what is wrong, or undefined. */
import { isAbsolute } from 'node:path';

const NODE_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** The last TCP port. */
export const MAX_PORT = 65_535;
const MULTIADDR = /^\/(ip4|ip6|dns|dns4|dns6|dnsaddr)\/[^/\s]+(\/[^/\s]+)*$/;
const OWNER_ID = /^[0-9a-f]{64}$/;
/** Base58btc of an Ed25519 peer id (12D3KooW…), of an RSA one (Qm…) or another identity hash. */
const PEER_ID = /^(12D3KooW|16Uiu2|Qm)[1-9A-HJ-NP-Za-km-z]{38,50}$/;

export type Check<T> = (value: T) => string | undefined;

export const checkNodeName: Check<string> = (name) =>
  NODE_NAME.test(name)
    ? undefined
    : 'use 1 to 63 lower-case letters, digits and dashes, not starting or ending with a dash';

export const checkAbsolute: Check<string> = (path) => {
  if (path.includes('\0')) return 'a path has no NUL character';
  return isAbsolute(path) ? undefined : 'give an absolute path, beginning with /';
};

export const checkLabel: Check<string> = (label) =>
  label === '' || LABEL.test(label)
    ? undefined
    : 'use up to 63 letters, digits, dots, dashes and underscores';

export const checkNetworkName: Check<string> = (name) =>
  name === '' ? 'the network needs a name' : checkLabel(name);

export const checkMultiaddr: Check<string> = (address) => {
  if (!MULTIADDR.test(address))
    return `"${address.slice(0, 80)}" is not an address; it looks like /ip4/192.168.1.7/tcp/40871/p2p/12D3KooW…`;
  const [, port] = /\/(?:tcp|udp)\/([^/]*)/.exec(address) ?? [];
  return port === undefined || (/^\d{1,5}$/.test(port) && Number(port) <= MAX_PORT)
    ? undefined
    : `"${address.slice(0, 80)}" is not an address: a port is a number up to ${MAX_PORT}`;
};

/** Of an address as it may stand in a file written by hand: "…/p2p/12D3Koo" names nobody, and who is dialled there is refused. */
export function namesNobody(address: string): boolean {
  const [, peerId] = /\/p2p\/([^/?]*)/.exec(address) ?? [];
  return peerId !== undefined && !PEER_ID.test(peerId);
}

/** A multiaddr, with the priority that a bootstrap address may carry: "?priority=" and 0 to 999. */
export const checkBootstrap: Check<string> = (entry) => {
  const [address = '', ...rest] = entry.split('?');
  if (rest.length > 0 && !/^priority=\d{1,3}$/.test(rest.join('?')))
    return `after an address only ?priority=0 to ?priority=999 may stand, not "?${rest.join('?').slice(0, 80)}"`;
  return checkMultiaddr(address);
};

export const checkPeerId: Check<string> = (id) =>
  PEER_ID.test(id) ? undefined : `"${id.slice(0, 80)}" is no peer id (12D3KooW…)`;

export const checkAllowed: Check<string> = (id) =>
  OWNER_ID.test(id) || PEER_ID.test(id)
    ? undefined
    : `"${id.slice(0, 80)}" is neither an owner id (64 hex digits) nor a peer id (12D3KooW…)`;

/** Empty, or a URL without credentials: those would stand in logs. */
export const checkCollector: Check<string> = (text) => {
  if (text === '') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || text.length > MAX_URL)
    return 'give an http or https URL such as http://127.0.0.1:4318/v1/traces';
  if (url.username !== '' || url.password !== '') return 'give a URL without user name and password';
  return undefined;
};

/** What may stand for a peer on a command line: never an id, nor a place such as zone:eu-1. */
export const checkNickname: Check<string> = (name) => {
  if (PEER_ID.test(name)) return 'a nickname must not look like a peer id';
  return LABEL.test(name)
    ? undefined
    : `"${name.slice(0, 80)}" is no nickname: use 1 to 63 letters, digits, dots, dashes and underscores`;
};

/** "12D3KooW…=birch". */
export function splitNickname(entry: string): { peerId: string; name: string } | undefined {
  const at = entry.indexOf('=');
  const peerId = entry.slice(0, Math.max(0, at));
  return PEER_ID.test(peerId) ? { peerId, name: entry.slice(at + 1) } : undefined;
}

/** Each peer has one, and each one means one peer. */
export const checkNicknames: Check<string[]> = (list) => {
  if (list.length > MAX_LIST) return `at most ${MAX_LIST} entries`;
  const peers = new Set<string>();
  const names = new Set<string>();
  for (const entry of list) {
    const parts = splitNickname(entry);
    if (parts === undefined) return `"${entry.slice(0, 80)}" is not PEER-ID=NAME`;
    const problem = checkNickname(parts.name);
    if (problem !== undefined) return problem;
    if (peers.has(parts.peerId)) return `${parts.peerId} has two nicknames`;
    if (names.has(parts.name)) return `two peers have the nickname ${parts.name}`;
    peers.add(parts.peerId);
    names.add(parts.name);
  }
  return undefined;
};

const MAX_URL = 2048;

export function checkEach(check: Check<string>): Check<string[]> {
  return (list) => {
    if (list.length > MAX_LIST) return `at most ${MAX_LIST} entries`;
    if (new Set(list).size !== list.length) return 'an entry stands twice';
    for (const item of list) {
      const problem = check(item);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

/** Entries of a list: far more than a person types, and bounded. */
export const MAX_LIST = 1000;

export function checkRange(min: number, max: number, unit = ''): Check<number> {
  return (value) => (value >= min && value <= max ? undefined : `must be from ${min} to ${max}${unit}`);
}
