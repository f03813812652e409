/** A manifest for the custodians, from those that are noted to have it. */
import type { Backend } from '../backends/backend.ts';
import { MAX_MANIFEST_BYTES } from '../codec/manifest-limits.ts';
import type { FoundManifest } from '../maintenance/custody/outbox.ts';
import { ASK_TIMEOUT_MS } from '../transfer/limits.ts';
import { bytesToHex, manifestShardId, type ObjectId, type PeerId } from '../types.ts';

/** Gone: nobody remembers it any more. */
export type Presence = 'here' | 'away' | 'gone';

interface FindContext {
  self: PeerId;
  backend(peer: PeerId): Backend | undefined;
  presence(peer: PeerId): Presence;
}

/** From this node or a holder, verified. A holder that nobody remembers any more is not waited for. */
export async function findManifest(
  id: ObjectId,
  noted: readonly PeerId[],
  { self, backend: backendOf, presence }: FindContext,
  hash: (bytes: Uint8Array) => Uint8Array,
  signal: AbortSignal,
): Promise<FoundManifest> {
  let silent = false;
  const first = [...noted].sort((a, b) => Number(b === self) - Number(a === self));
  for (const peer of first) {
    const backend = backendOf(peer);
    if (backend === undefined) {
      silent ||= presence(peer) === 'away';
      continue;
    }
    try {
      const call = { timeoutMs: ASK_TIMEOUT_MS, signal, maxBytes: MAX_MANIFEST_BYTES };
      const bytes = await backend.get(manifestShardId(id), call);
      if (bytes !== undefined && bytesToHex(hash(bytes)) === id)
        return { bytes: Uint8Array.from(bytes), silent };
    } catch {
      signal.throwIfAborted();
      silent = true;
    }
  }
  return { bytes: undefined, silent };
}
