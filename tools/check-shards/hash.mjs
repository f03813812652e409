/** BLAKE3-256 as hex, by a package of its own: nothing of what is checked here is used to check it. */
import { createRequire } from 'node:module';

const blake3 = createRequire(import.meta.url)('blake3-wasm');
/** Sizes the module's memory. */
const PIECE_BYTES = 1024 * 1024;

export function hashOf(bytes) {
  const hash = blake3.createHash();
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) hash.update(bytes.subarray(at, at + PIECE_BYTES));
  return hash.digest('hex');
}
