/** What is in a file of the model disk, and the changes that make it. */

export type FileChange =
  | { kind: 'write'; position: number; data: Uint8Array }
  | { kind: 'truncate'; lengthBytes: number };

/** Bytes that grow, in a buffer with room to spare. */
export class Contents {
  length = 0;
  #buffer = new Uint8Array(0);

  copy(): Contents {
    const copy = new Contents();
    copy.#buffer = this.#buffer.slice(0, this.length);
    copy.length = this.length;
    return copy;
  }

  /** The bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }

  read(buffer: Uint8Array, position: number): number {
    const part = this.bytes().subarray(position, position + buffer.length);
    buffer.set(part);
    return part.length;
  }

  apply(change: FileChange): void {
    if (change.kind === 'truncate') {
      this.resize(change.lengthBytes);
      return;
    }
    const end = change.position + change.data.length;
    if (end > this.length) this.resize(end);
    this.#buffer.set(change.data, change.position);
  }

  /** Cuts off, or adds zeros. */
  resize(length: number): void {
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#buffer.length));
      larger.set(this.bytes());
      this.#buffer = larger;
    }
    if (length < this.length) this.#buffer.fill(0, length, this.length);
    this.length = length;
  }
}

/** What is left of an older change once `newer` is durable: it can no longer come through where the newer one lies. */
export function uncovered(older: FileChange, newer: FileChange): FileChange[] {
  if (older.kind === 'truncate') return [];
  const { position, data } = older;
  const from = newer.kind === 'write' ? newer.position : newer.lengthBytes;
  const to = newer.kind === 'write' ? newer.position + newer.data.length : Number.POSITIVE_INFINITY;
  const head = data.subarray(0, Math.max(0, from - position));
  const tail = data.subarray(Math.min(data.length, Math.max(0, to - position)));
  const rest: FileChange[] = [];
  if (head.length > 0) rest.push({ kind: 'write', position, data: head });
  if (tail.length > 0)
    rest.push({ kind: 'write', position: position + data.length - tail.length, data: tail });
  return rest;
}
