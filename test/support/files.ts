/** Files for tests and benchmarks that are larger than a test's memory should be. */
import { createHash, randomFillSync } from 'node:crypto';
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

/** Through one buffer: a stream's pieces are garbage outside V8's heap, which it leaves lying for 100 MiB and more. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  const piece = Buffer.allocUnsafe(1 << 20);
  for (;;) {
    const { bytesRead } = await file.read(piece, 0, piece.length);
    if (bytesRead === 0) break;
    hash.update(piece.subarray(0, bytesRead));
  }
  await file.close();
  return hash.digest('hex');
}
