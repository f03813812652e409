/**
 * Addresses of peers that were connected, kept over restarts: a node whose bootstrap nodes have died meanwhile still finds its mesh.
 * `peers.json`, docs/FORMATS.md "Known peers". A hint and no more: a file that is lost or damaged is begun anew.
 */
import { asDatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { Disk } from '../effects/disk.ts';
import type { Member } from './membership.ts';

/** Enough that some of them are there after a long absence. */
const MAX_REMEMBERED = 16;
const MAX_ADDRESS_CHARACTERS = 256;
const MAX_FILE_BYTES = 16 * 1024;
const SAVE_EVERY_MS = 60_000;
/** After every configured address (bootstrap-list.ts): tried when nobody of those answers. */
const PRIORITY = 999;

const FORMAT = 1;
const ADDRESS = /^\/(?:ip4|ip6|dns[46]?)\/[^\s?]+\/p2p\/\w+$/;

/** Bootstrap entries of the peers remembered at `path`; none when there is no such file. */
export async function loadKnownPeers(
  disk: Disk,
  path: string,
  log: (text: string) => void,
): Promise<string[]> {
  try {
    const bytes = await disk.readFile(path, MAX_FILE_BYTES);
    if (bytes === undefined) return [];
    const raw = JSON.parse(Buffer.from(bytes).toString('utf8')) as { format?: unknown; addresses?: unknown };
    if (raw.format !== FORMAT || !Array.isArray(raw.addresses)) throw new RangeError('another format');
    return raw.addresses
      .filter(
        (it): it is string =>
          typeof it === 'string' && it.length <= MAX_ADDRESS_CHARACTERS && ADDRESS.test(it),
      )
      .slice(0, MAX_REMEMBERED)
      .map((address) => `${address}?priority=${PRIORITY}`);
  } catch (error) {
    log(
      `the peers remembered in ${path} cannot be read and are forgotten: ${asDatameshError(error).message}`,
    );
    return [];
  }
}

/** One address of each peer that is up, the longest known first: those are the likeliest to be there again. */
export function addressesToKeep(members: readonly Member[]): string[] {
  return members
    .filter(({ greeted, state }) => greeted && (state === 'active' || state === 'draining'))
    .map(({ peerId, info }) => info?.addresses.find((address) => address.endsWith(`/p2p/${peerId}`)))
    .filter(
      (address) => address !== undefined && ADDRESS.test(address) && address.length <= MAX_ADDRESS_CHARACTERS,
    )
    .slice(0, MAX_REMEMBERED) as string[];
}

/** Saves every minute what changed; the returned function saves once more and stops. */
export function keepKnownPeers(options: {
  disk: Disk;
  path: string;
  clock: Clock;
  members(): readonly Member[];
  log(text: string): void;
}): () => Promise<void> {
  const { disk, path, clock } = options;
  let saved = '';
  let stopped = false;
  const save = async () => {
    const addresses = addressesToKeep(options.members());
    const text = `${JSON.stringify({ format: FORMAT, addresses })}\n`;
    // Alone, a node keeps what it knew: that is when it is needed.
    if (addresses.length === 0 || text === saved) return;
    saved = text;
    try {
      await disk.writeFileAtomic(path, Buffer.from(text), 0o600);
    } catch (error) {
      options.log(`the known peers cannot be saved: ${asDatameshError(error).message}`);
    }
  };
  let timer = clock.after(SAVE_EVERY_MS, function again() {
    void save();
    if (!stopped) timer = clock.after(SAVE_EVERY_MS, again);
  });
  return async () => {
    stopped = true;
    timer.cancel();
    await save();
  };
}
