import crypto, { type KeyObject } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/** Enough for every NodeInfo of a mesh; begun anew when full. */
const MAX_REMEMBERED = 4096;

/**
 * Each node of a mesh verifies each heartbeat of each other. In one process that is the same computation over and over, and more than half
 * of a run's time: a signature found good is remembered with its message and key. One that is bad is judged every time.
 */
export function rememberSignatures(): void {
  const verify = crypto.verify as (
    algorithm: null,
    message: Uint8Array,
    key: KeyObject,
    signature: Uint8Array,
  ) => boolean;
  const good = new Map<string, { message: Uint8Array; key: KeyObject }>();
  const remembering: typeof verify = (algorithm, message, key, signature) => {
    const name = Buffer.from(signature.buffer, signature.byteOffset, signature.length).toString('latin1');
    const known = good.get(name);
    if (known !== undefined && Buffer.compare(known.message, message) === 0) {
      if (known.key === key || known.key.equals(key)) return true;
    }
    const valid = verify(algorithm, message, key, signature);
    if (valid) {
      if (good.size >= MAX_REMEMBERED) good.clear();
      good.set(name, { message: Uint8Array.from(message), key });
    }
    return valid;
  };
  (crypto as { verify: unknown }).verify = remembering;
  syncBuiltinESMExports();
}
