/** Files for tests and benchmarks that are larger than a test's memory should be. */
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';

/** Random bytes on disk, written piece by piece so that the test's own memory stays small. */
export async function randomFile(path: string, sizeBytes: number): Promise<void> {
  const file = await open(path, 'w');
  const piece = Buffer.allocUnsafe(1 << 20);
  for (let at = 0; at < sizeBytes; at += piece.length) {
    await file.write(randomFillSync(piece), 0, Math.min(piece.length, sizeBytes - at));
  }
  await file.close();
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}
