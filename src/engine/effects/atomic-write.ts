import { dirname } from 'node:path';
import type { Disk, DiskFile } from './disk.ts';

let counter = 0;

/**
 * `Disk.writeFileAtomic` out of the other operations, for every implementation alike: a file beside, written and
 * synced; renamed over `path`; the folder synced. A crash leaves the old content or the new, and at worst the file
 * beside, whose name ends in `.tmp`.
 */
export async function writeFileAtomic(
  disk: Disk,
  path: string,
  data: Uint8Array,
  permissions: number,
  uniqueName: string = String(process.pid),
): Promise<void> {
  const [file, beside] = await openBeside(disk, path, permissions, uniqueName);
  try {
    try {
      await file.write([data], 0);
      await file.datasync();
    } finally {
      await file.close();
    }
    await disk.rename(beside, path);
  } catch (error) {
    await disk.remove(beside).catch(() => undefined);
    throw error;
  }
  await disk.syncDir(dirname(path));
}

/** A new file with a name of its own. In a container every process has the same number, so that one which was killed may have left a file of this name, and one beside may write to it now. */
export async function openBeside(
  disk: Disk,
  path: string,
  permissions: number,
  uniqueName: string,
): Promise<[DiskFile, string]> {
  for (;;) {
    counter += 1;
    const beside = `${path}.${uniqueName}-${counter}.tmp`;
    try {
      return [await disk.open(beside, 'create', permissions), beside];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
