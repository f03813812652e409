/** Addresses of nodes, as people type them. */
import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { DatameshError } from '../../errors.ts';
import { peerOfAddress } from './bootstrap-list.ts';

/** Throws `bad-value` for what leads nowhere, a mistyped peer id at its end too. */
export function parseAddress(text: string): Multiaddr {
  try {
    const named = peerOfAddress(text);
    if (named !== undefined) peerIdFromString(named);
    return multiaddr(text);
  } catch (error) {
    throw new DatameshError('bad-value', {
      what: `${JSON.stringify(text.slice(0, 200))} is no address of a node`,
      why: error instanceof Error ? error.message : String(error),
      mend: 'take it whole as `datamesh status` shows it there',
      cause: error,
    });
  }
}
