import type { Clock } from './clock.ts';
import type { Disk, DiskFile } from './disk.ts';

/** The same disk; `onSync` hears how long each fdatasync of a file took, the failed ones too. */
export function timingSyncs(disk: Disk, clock: Clock, onSync: (elapsedMs: number) => void): Disk {
  return {
    ...disk,
    open: async (path, mode, permissions) => timed(await disk.open(path, mode, permissions), clock, onSync),
  };
}

function timed(file: DiskFile, clock: Clock, onSync: (elapsedMs: number) => void): DiskFile {
  return {
    path: file.path,
    read: (buffer, position) => file.read(buffer, position),
    write: (buffers, position) => file.write(buffers, position),
    datasync() {
      const before = clock.monotonic();
      const synced = file.datasync();
      const told = () => onSync(clock.monotonic() - before);
      synced.then(told, told);
      return synced;
    },
    truncate: (lengthBytes) => file.truncate(lengthBytes),
    sizeBytes: () => file.sizeBytes(),
    close: () => file.close(),
  };
}
