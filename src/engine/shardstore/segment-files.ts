/** Read handles of the segment files, opened when needed, closed when too many or when the file is removed. */
import type { Disk, DiskFile } from '../effects/disk.ts';
import { segmentPath } from './segment.ts';

interface Handle {
  file: Promise<DiskFile>;
  readers: number;
  /** Taken out of the table: the last reader closes it. */
  retired: boolean;
}

export class SegmentFiles {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #limit: number;
  /** In order of last use. */
  readonly #handles = new Map<number, Handle>();

  constructor(disk: Disk, dir: string, limit: number) {
    this.#disk = disk;
    this.#dir = dir;
    this.#limit = limit;
  }

  /** Fills `buffer` from `offset` of the segment; returns the bytes read. Throws ENOENT when the segment is gone. */
  async read(segment: number, buffer: Uint8Array, offset: number): Promise<number> {
    const handle = this.#take(segment);
    handle.readers += 1;
    try {
      return await (await handle.file).read(buffer, offset);
    } finally {
      handle.readers -= 1;
      if (handle.retired && handle.readers === 0) await close(handle);
    }
  }

  #take(segment: number): Handle {
    const known = this.#handles.get(segment);
    const handle = known ?? {
      file: this.#disk.open(segmentPath(this.#dir, segment), 'read'),
      readers: 0,
      retired: false,
    };
    if (known === undefined) {
      // A failed opening is reported to its reader and tried anew by the next.
      handle.file.catch(() => this.#handles.get(segment) === handle && this.#handles.delete(segment));
    }
    this.#handles.delete(segment);
    this.#handles.set(segment, handle);
    for (const oldest of this.#handles.keys()) {
      if (this.#handles.size <= this.#limit) break;
      void this.forget(oldest);
    }
    return handle;
  }

  /** Closes the segment's handle once its readers are done. */
  async forget(segment: number): Promise<void> {
    const handle = this.#handles.get(segment);
    if (handle === undefined) return;
    this.#handles.delete(segment);
    handle.retired = true;
    if (handle.readers === 0) await close(handle);
  }

  async close(): Promise<void> {
    for (const segment of [...this.#handles.keys()]) await this.forget(segment);
  }
}

async function close(handle: Handle): Promise<void> {
  const file = await handle.file.catch(() => undefined);
  // Nothing was written through it: a failing close loses nothing.
  await file?.close().catch(() => undefined);
}
