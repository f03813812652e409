/** Checks of the mesh as the running service sees it: peers, clocks, versions, DHT. Without a service there is nothing to ask. */
import type { Engine, PeerState, PeerView } from '../../../engine/engine.ts';
import { VERSION } from '../../../version.ts';
import { formatDuration as duration } from '../../format/units.ts';
import { serviceWords } from '../../node/service-words.ts';
import type { Check, Finding } from './finding.ts';

/** A hello may hand out what was signed ten seconds before. Beyond ten minutes gossip is no longer believed (both mesh/limits.ts). */
const SKEW_MS = 30_000;
/** Whoever runs `doctor` waits for it. */
const WALK_MS = 1500;
const NAMED = 5;

/** All of them on one connection to the service. */
export const checkMesh: Check = async (patient) => {
  const { config, context } = patient;
  if (config === undefined) return [];
  const engine = await context.service();
  if (engine === undefined) return [];
  const peers = await engine.peers();
  const here = peers.filter(({ state }) => state === 'active' || state === 'draining');
  const findings = [peersFinding(peers, here, config.network.bootstrap.length)];
  findings.push(
    await versionFinding(
      engine,
      here,
      (await serviceWords(config.node.dataDir, patient.context.env)).restart,
    ),
  );
  if (here.length === 0) return findings;
  return [...findings, skewFinding(here), await dhtFinding(engine, context.signal)];
};

export function peersFinding(
  known: readonly PeerView[],
  here: readonly PeerView[],
  bootstrap: number,
): Finding {
  const quarantined = known.filter(({ state }) => state === 'quarantined');
  const silent = known.filter(isSilent);
  const open = here.filter(({ breaker }) => breaker === 'open');
  if (here.length === 0) {
    return {
      check: 'peers',
      state: bootstrap > 0 || known.length > 0 ? 'fail' : 'warn',
      detail:
        known.length === 0
          ? 'the service knows no other node'
          : `none of ${known.length} known peers answers`,
      mend: 'start the others, and compare network names (datamesh config get network.name); or: datamesh bootstrap ADDRESS',
    };
  }
  if (quarantined.length > 0 || open.length > 0) {
    return {
      check: 'peers',
      state: 'warn',
      detail: [
        ...(open.length > 0 ? [`${named(open)} fail too often to be asked`] : []),
        ...(quarantined.length > 0 ? [`${named(quarantined)} are in quarantine: they gave wrong bytes`] : []),
      ].join('; '),
      mend: 'datamesh peers --detailed, and run datamesh doctor on these machines',
    };
  }
  if (silent.length > 0) {
    return {
      check: 'peers',
      state: 'warn',
      detail: `${here.length} of ${known.length} answer, ${named(silent)} ${silent.length === 1 ? 'does' : 'do'} not`,
      mend: 'start datamesh on these machines; what their silence means for your files: datamesh health',
    };
  }
  return { check: 'peers', state: 'ok', detail: `${here.length} of ${known.length} answer` };
}

export function skewFinding(here: readonly PeerView[]): Finding {
  const heard = here.filter(({ clockSkewMs }) => clockSkewMs !== undefined);
  if (heard.length === 0)
    return { check: 'clock skew', state: 'ok', detail: 'no peer has told its time yet' };
  const skews = heard.map(({ clockSkewMs }) => clockSkewMs!).sort((a, b) => a - b);
  const middle = skews[Math.floor(skews.length / 2)]!;
  const mend = 'keep clocks right: timedatectl set-ntp true';
  if (Math.abs(middle) > SKEW_MS && heard.length > 1) {
    return {
      check: 'clock skew',
      state: 'fail',
      detail: `this clock is ${duration(Math.abs(middle))} ${middle > 0 ? 'behind' : 'ahead of'} most peers; beyond ten minutes heartbeats are not believed`,
      mend: `on this machine, ${mend}`,
    };
  }
  const off = heard.filter(({ clockSkewMs }) => Math.abs(clockSkewMs!) > SKEW_MS);
  if (off.length > 0) {
    return {
      check: 'clock skew',
      state: 'warn',
      detail: `the clocks of ${named(off)} differ from this one by up to ${duration(Math.max(...off.map((it) => Math.abs(it.clockSkewMs!))))}`,
      mend: `there, or here if it is this one, ${mend}`,
    };
  }
  const most = Math.max(...skews.map(Math.abs));
  return {
    check: 'clock skew',
    state: 'ok',
    detail: `at most ${duration(most)} from ${heard.length} peers, delays included`,
  };
}

async function versionFinding(engine: Engine, here: readonly PeerView[], restart: string): Promise<Finding> {
  const { version } = await engine.status();
  if (version !== VERSION) {
    return {
      check: 'versions',
      state: 'warn',
      detail: `the service runs version ${version}, this command is ${VERSION}`,
      mend: restart,
    };
  }
  const others = here.filter((peer) => peer.version !== undefined && peer.version !== version);
  if (others.length === 0) return { check: 'versions', state: 'ok', detail: `${version}, as all peers` };
  const found = [...new Set(others.map((peer) => peer.version))].slice(0, NAMED).join(', ');
  return {
    check: 'versions',
    state: 'warn',
    detail: `this node runs ${version}; ${named(others)} run ${found}`,
    mend: 'nodes of neighbouring versions work together; bring all to one: install it there, and restart the node',
  };
}

/** The DHT leads to objects whose holders nobody remembers; membership does without. */
async function dhtFinding(engine: Engine, signal: AbortSignal): Promise<Finding> {
  const { asked, peers } = await engine.discover(WALK_MS, { signal });
  const walk = asked.find(({ via }) => via === 'dht');
  // Others still tell of nodes that have fallen silent.
  const met = peers.filter(({ via, state }) => via.includes('dht') && !isSilent({ state })).length;
  if (met > 0) return { check: 'dht', state: 'ok', detail: `a walk met ${met} nodes` };
  return {
    check: 'dht',
    state: 'warn',
    detail: `a walk met nobody${walk?.failure === undefined ? '' : `: ${walk.failure}`}`,
    mend: 'open the port of network.port to the other nodes (datamesh config get network.port), then: datamesh discover',
  };
}

function isSilent({ state }: { state: PeerState | undefined }): boolean {
  return state === 'suspect' || state === 'offline';
}

function named(peers: readonly PeerView[]): string {
  const names = peers.slice(0, NAMED).map(({ name, peerId }) => name ?? peerId.slice(-8));
  const more = peers.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
