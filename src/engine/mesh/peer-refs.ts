/** Nodes as people name them: by id, name, the unique beginning or end of an id, or by the zone or rack that they say they stand in. */
import { DatameshError } from '../../errors.ts';
import { label } from '../placement/domains.ts';
import type { PeerId } from '../types.ts';

/** Ends of ids shorter than this fit too many. */
const MIN_ID_PART = 4;
/** As much of what was typed as an error repeats. */
const SHOWN_CHARACTERS = 80;

export interface NamedNode {
  peerId: PeerId;
  name: string | undefined;
  /** This node's own name for it, beside what it calls itself. */
  nickname?: string | undefined;
  ownName?: string | undefined;
  zone?: string | undefined;
  rack?: string | undefined;
}

/** The node with this id or nickname, else with this name, or this beginning or end of its id: what strangers call themselves takes no nickname away. Throws `not-found`, `bad-value` when it fits several. */
export function nodeCalled<T extends NamedNode>(nodes: readonly T[], text: string): T {
  const fits = nodes.filter(
    ({ peerId, name, ownName }) =>
      peerId === text ||
      name === text ||
      ownName === text ||
      (text.length >= MIN_ID_PART && (peerId.endsWith(text) || peerId.startsWith(text))),
  );
  const exact = fits.find(({ peerId }) => peerId === text) ?? fits.find(({ nickname }) => nickname === text);
  const found = exact ?? fits[0];
  if (found === undefined) {
    throw new DatameshError('not-found', {
      what: `no peer is called "${text.slice(0, SHOWN_CHARACTERS)}"`,
      mend: 'the names and ids of all known peers: datamesh peers',
    });
  }
  if (exact === undefined && fits.length > 1) {
    throw new DatameshError('bad-value', {
      what: `${fits.length} peers are called "${text.slice(0, SHOWN_CHARACTERS)}"`,
      mend: 'give the whole id: datamesh peers --json=name,peerId',
    });
  }
  return found;
}

const ZONE = 'zone:';
const RACK = 'rack:';

/** All nodes that `text` means: one node, or those of `zone:<label>`, `rack:<label>` or `rack:<zone>/<label>`. Throws as `nodeCalled` does. */
export function nodesCalled<T extends NamedNode>(nodes: readonly T[], text: string): T[] {
  if (text.startsWith(ZONE)) {
    const zone = label(text.slice(ZONE.length));
    return some(
      nodes.filter((node) => label(node.zone) === zone),
      text,
    );
  }
  if (!text.startsWith(RACK)) return [nodeCalled(nodes, text)];
  const rack = label(text.slice(RACK.length));
  const within = nodes.filter((node) => `${label(node.zone)}/${label(node.rack)}` === rack);
  if (within.length > 0) return within;
  const found = some(
    nodes.filter((node) => label(node.rack) === rack),
    text,
  );
  // Two zones may both have a rack "1".
  const zones = [...new Set(found.map((node) => label(node.zone)))];
  if (zones.length > 1) {
    throw new DatameshError('bad-value', {
      what: `${zones.length} zones have a rack "${rack.slice(0, SHOWN_CHARACTERS)}"`,
      mend: `say which: ${zones
        .slice(0, 3)
        .map((zone) => `rack:${zone}/${rack}`)
        .join(', ')}`,
    });
  }
  return found;
}

function some<T>(found: T[], text: string): T[] {
  if (found.length > 0) return found;
  throw new DatameshError('not-found', {
    what: `no node stands in ${text.slice(0, SHOWN_CHARACTERS)}`,
    mend: 'the zones and racks of all known nodes: datamesh network',
  });
}
