/**
 * A WebAssembly memory that kernels run in: a table of pointers, then room for shards from BASE on. The room is virtual until it is
 * touched. Growing it detaches earlier views, so nobody may hold one while it grows. A shared one can be used by several threads, by one at a
 * time; what another thread made `over` it before it grew keeps the former size.
 */
import type { Kernel, KernelInstance } from './kernel.ts';
import { MAX_SHARDS } from './matrix.ts';

const PAGE_BYTES = 65_536;
/** Sources and outputs are at most 255 each; one page boundary would waste nothing, a smaller one keeps shards 128-byte aligned. */
const BASE = 4096;

export class Workspace {
  readonly #memory: WebAssembly.Memory;
  readonly #instances = new WeakMap<Kernel, KernelInstance>();
  #bytes: Uint8Array<ArrayBuffer>;
  #pointers: Uint32Array<ArrayBuffer>;

  private constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#bytes = this.#view();
    this.#pointers = this.#pointerView();
  }

  /** Of this thread alone. */
  static own(roomBytes: number): Workspace {
    return new Workspace(new WebAssembly.Memory({ initial: pagesFor(roomBytes) }));
  }

  /** @param maxRoomBytes to which it may grow: addresses, no memory */
  static shared(roomBytes: number, maxRoomBytes: number): Workspace {
    const [initial, maximum] = [pagesFor(roomBytes), pagesFor(maxRoomBytes)];
    return new Workspace(new WebAssembly.Memory({ initial, maximum, shared: true }));
  }

  /** A shared workspace of another thread, by its `memory`. */
  static over(memory: WebAssembly.Memory): Workspace {
    return new Workspace(memory);
  }

  /** To be posted to another thread. */
  get memory(): WebAssembly.Memory {
    return this.#memory;
  }

  get roomBytes(): number {
    return this.#bytes.length - BASE;
  }

  /** Throws RangeError when the machine has not that much. */
  ensureRoom(roomBytes: number): void {
    if (roomBytes <= this.roomBytes) return;
    this.#memory.grow(pagesFor(roomBytes) - this.#memory.buffer.byteLength / PAGE_BYTES);
    this.#bytes = this.#view();
    this.#pointers = this.#pointerView();
  }

  /** A view of the room; offsets given to `run` count from its start. */
  view(offset: number, lengthBytes: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(BASE + offset, BASE + offset + lengthBytes);
  }

  /** Whether `bytes` are the very bytes of `view(offset, bytes.length)`. */
  holds(offset: number, bytes: Uint8Array): boolean {
    return bytes.buffer === this.#bytes.buffer && bytes.byteOffset === BASE + offset;
  }

  /** Runs `kernel` over `lengthBytes` (a multiple of 128) of each source and output, given by their offsets in the room. */
  run(kernel: Kernel, sources: readonly number[], outputs: readonly number[], lengthBytes: number): void {
    if (outputs.length === 0 || lengthBytes === 0) return;
    let instance = this.#instances.get(kernel);
    if (instance === undefined) {
      instance = kernel.instantiate(this.#memory);
      this.#instances.set(kernel, instance);
    }
    instance.run(
      this.#pointers,
      sources.map((offset) => BASE + offset),
      outputs.map((offset) => BASE + offset),
      lengthBytes,
    );
  }

  #view(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#memory.buffer);
  }

  #pointerView(): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.#memory.buffer, 0, 2 * MAX_SHARDS);
  }
}

function pagesFor(roomBytes: number): number {
  return Math.ceil((BASE + roomBytes) / PAGE_BYTES);
}
