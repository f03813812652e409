/** Collects new chunks into packs and has them stored while further chunks come. */
import { compress } from '../codec/packing.ts';
import type { ChunkIndex } from './chunk-index.ts';
import type { PackRecord } from './index-file.ts';
import { MAX_PACK_CHUNKS, PIECE_BYTES } from './limits.ts';
import type { ObjectDoor } from './object-door.ts';
import { type PackedChunk, packEnd } from './pack-table.ts';
import { PieceQueue } from './piece-queue.ts';

export interface PackWriterOptions {
  door: ObjectDoor;
  /** Learns of every chunk as it is added. */
  index: ChunkIndex;
  /** A name for the next pack, never used before. */
  nextName(): string;
  packBytes: number;
  /** Compress chunks that shrink by a tenth or more. */
  compress: boolean;
  /** Give a pack to its put when it is whole, not as it grows: for packs that grow slowly. */
  gathered: boolean;
}

/** A pack that is being stored while the next one grows; a third would only wait. */
const MAX_PUTS = 2;
/** Zstandard's own frame and the calls cost more than there is to gain below this. */
const MIN_COMPRESSED_BYTES = 512;
const MIN_GAIN = 0.1;

interface OpenPack {
  name: string;
  number: number;
  table: PackedChunk[];
  bytes: number;
  queue: PieceQueue;
  piece: Buffer;
  filled: number;
  stored: Promise<void> | undefined;
}

export class PackWriter {
  readonly #options: PackWriterOptions;
  readonly #puts: Promise<void>[] = [];
  readonly #packs: PackRecord[] = [];
  #open: OpenPack | undefined;
  #failure: unknown;
  /** Bytes given to puts, tables included. */
  addedBytes = 0;

  constructor(options: PackWriterOptions) {
    this.#options = options;
  }

  /** Packs that are stored for sure. */
  get stored(): readonly PackRecord[] {
    return this.#packs;
  }

  /** `raw` may be written again afterwards. The promise, if there is one, is to be waited for. Throws what a put threw. */
  add(id: Buffer, raw: Uint8Array): Promise<void> | undefined {
    const { method, bytes } = this.#form(raw);
    return this.addAs(id, bytes, method, raw.length);
  }

  /** As `add`, of a chunk that has its stored form. */
  addAs(id: Buffer, bytes: Uint8Array, method: number, rawBytes: number): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const { index, packBytes } = this.#options;
    const pack = this.#openPack();
    index.add(pack.number, pack.bytes, id, bytes.length, rawBytes, method);
    pack.table.push({ id, storedBytes: bytes.length, rawBytes, method });
    pack.bytes += bytes.length;
    const waits = this.#append(pack, bytes);
    if (pack.bytes < packBytes && pack.table.length < MAX_PACK_CHUNKS) return waits;
    return this.#close(pack);
  }

  /** Stores what is left and waits for every put. Throws what one of them threw. */
  async finish(): Promise<readonly PackRecord[]> {
    if (this.#open !== undefined) await this.#close(this.#open);
    await Promise.all(this.#puts);
    if (this.#failure !== undefined) throw this.#failure;
    return this.#packs;
  }

  #form(raw: Uint8Array): { method: number; bytes: Uint8Array } {
    if (this.#options.compress && raw.length >= MIN_COMPRESSED_BYTES) {
      const small = compress(raw);
      if (small.bytes.length <= raw.length * (1 - MIN_GAIN)) return small;
    }
    return { method: 0, bytes: raw };
  }

  #openPack(): OpenPack {
    if (this.#open !== undefined) return this.#open;
    const { nextName, index, gathered } = this.#options;
    const name = nextName();
    const pack: OpenPack = {
      name,
      number: index.openPack(name),
      table: [],
      bytes: 0,
      queue: new PieceQueue(),
      piece: Buffer.allocUnsafeSlow(PIECE_BYTES),
      filled: 0,
      stored: undefined,
    };
    if (!gathered) this.#put(pack);
    this.#open = pack;
    return pack;
  }

  #put(pack: OpenPack): void {
    pack.stored = this.#options.door.put(pack.name, pack.queue).then(
      () => void this.#packs.push({ name: pack.name, table: pack.table }),
      (error: unknown) => {
        this.#failure ??= error;
        pack.queue.fail(error);
      },
    );
  }

  #append(pack: OpenPack, bytes: Uint8Array): Promise<void> | undefined {
    let waits: Promise<void> | undefined;
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + pack.piece.length - pack.filled);
      pack.piece.set(part, pack.filled);
      pack.filled += part.length;
      at += part.length;
      if (pack.filled === pack.piece.length) waits = this.#flush(pack) ?? waits;
    }
    this.addedBytes += bytes.length;
    return waits;
  }

  #flush(pack: OpenPack): Promise<void> | undefined {
    const piece = pack.piece.subarray(0, pack.filled);
    pack.piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
    pack.filled = 0;
    return piece.length === 0 ? undefined : pack.queue.push(piece);
  }

  async #close(pack: OpenPack): Promise<void> {
    this.#open = undefined;
    if (pack.stored === undefined) this.#put(pack);
    await this.#append(pack, packEnd(pack.table));
    await this.#flush(pack);
    pack.queue.end();
    const put = pack.stored!;
    this.#puts.push(put);
    if (this.#puts.length >= MAX_PUTS) await this.#puts.shift();
    if (this.#failure !== undefined) throw this.#failure;
  }
}
