/** What the index of a shard store says, read to its end while no node has it open. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Checkpoint } from '../../../engine/shardstore/index.ts';

const LOOK_MS = 30_000;
/** A checkpoint lists every segment. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** index-look-entry.ts. */
const DAMAGED = 3;
/** What a read through a memory map ends with where the map makes no sense. */
const CRASHES: readonly (string | undefined)[] = ['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL'];

export type IndexLook =
  | { state: 'read'; checkpoint: Checkpoint | undefined }
  | { state: 'damaged'; why: string }
  /** It took too long, or the look could not be made: nothing is known. */
  | { state: 'unknown' };

export function lookAtIndex(dir: string, signal: AbortSignal): Promise<IndexLook> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const entry = fileURLToPath(new URL(`./index-look-entry.${extension}`, import.meta.url));
  return new Promise((resolve, reject) => {
    const options = { signal, timeout: LOOK_MS, killSignal: 'SIGKILL', maxBuffer: MAX_ANSWER_BYTES } as const;
    execFile(process.execPath, [entry, dir], options, (error, stdout, stderr) => {
      if (signal.aborted) return reject(signal.reason);
      if (error === null) {
        const checkpoint = (JSON.parse(stdout) ?? undefined) as Checkpoint | undefined;
        return resolve({ state: 'read', checkpoint });
      }
      if (error.code === DAMAGED) return resolve({ state: 'damaged', why: stderr });
      if (CRASHES.includes(error.signal))
        return resolve({ state: 'damaged', why: `reading it ends with ${error.signal}` });
      resolve({ state: 'unknown' });
    });
  });
}
