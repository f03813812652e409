/** A disk of whole files in memory, for what the keys write; it keeps modes and counts writes. */
import type { Disk } from '../../../src/engine/effects/disk.ts';

export interface MemoryDisk extends Disk {
  files: Map<string, { data: Uint8Array; mode: number }>;
  writes: number;
}

export function memoryDisk(): MemoryDisk {
  const unused = () => Promise.reject(new Error('not used by the keys'));
  const files: MemoryDisk['files'] = new Map();
  const disk: MemoryDisk = {
    files,
    writes: 0,
    readFile: async (path) => files.get(path)?.data,
    async writeFileAtomic(path, data, permissions) {
      disk.writes += 1;
      files.set(path, { data: new Uint8Array(data), mode: permissions });
    },
    async stat(path) {
      const file = files.get(path);
      return file && { kind: 'file', sizeBytes: file.data.length, mode: file.mode, device: 1 };
    },
    open: unused,
    rename: unused,
    remove: unused,
    makeDir: unused,
    list: unused,
    syncDir: unused,
    space: unused,
  };
  return disk;
}
