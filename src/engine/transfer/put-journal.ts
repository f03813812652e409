/**
 * The journal of one put under way: what a later run of the same put must know to go on. Lines of JSON in a file of the data folder
 * (docs/FORMATS.md "Journal of a put"). It holds no key: the file key follows from the owner's secret and the salt noted here.
 *
 * The ids of a stripe are durable here before its first shard is sent. So nothing was ever sealed under this key and sent that is not
 * noted, and a source that changed unnoticed is found out by other ids before it could reuse a nonce for other content.
 */
import { DatameshError } from '../../errors.ts';
import { OWNER_SALT_BYTES } from '../codec/manifest-checks.ts';
import type { Disk, DiskFile } from '../effects/disk.ts';
import {
  bytesToHex,
  type CodeProfile,
  hexToBytes,
  isHexId,
  type ObjectId,
  type OwnerId,
  type PeerId,
  type ShardId,
} from '../types.ts';
import { MAX_JOURNAL_BYTES } from './limits.ts';

export interface JournalHeader {
  owner: OwnerId;
  /** What the file key is made of. */
  salt: Uint8Array;
  code: CodeProfile;
  chunkBytes: number;
  startedAtMs: number;
}

export interface NotedStripe {
  ids: readonly ShardId[];
  /** By index, once the stripe was durable; until then some of its shards may be anywhere. */
  holders: (PeerId | undefined)[] | undefined;
}

export interface JournalContent extends JournalHeader {
  stripes: Map<number, NotedStripe>;
  /** Set just before the catalog is told: the put may be complete. */
  objectId: ObjectId | undefined;
  /** Length up to the last whole line. */
  bytes: number;
}

const FORMAT = 'datamesh put journal';
const VERSION = 1;
const NEWLINE = 0x0a;
/** It has some 300. */
const MAX_HEADER_BYTES = 4096;

/** Undefined when there is none, or it makes no sense: it is then not a journal to go on from. A last line cut short was never acted on. */
export async function readJournal(disk: Disk, path: string): Promise<JournalContent | undefined> {
  const data = await disk.readFile(path, MAX_JOURNAL_BYTES).catch(() => undefined);
  const end = data?.lastIndexOf(NEWLINE) ?? -1;
  if (data === undefined || end < 0) return undefined;
  const text = Buffer.from(data.buffer, data.byteOffset, end).toString('utf8');
  try {
    const [first, ...lines] = text.split('\n').map((line) => JSON.parse(line) as unknown);
    const content: JournalContent = {
      ...headerOf(first),
      stripes: new Map(),
      objectId: undefined,
      bytes: end + 1,
    };
    for (const line of lines) apply(line, content);
    return content;
  } catch {
    return undefined;
  }
}

/** The first line alone; undefined as above. */
export async function readHeader(disk: Disk, path: string): Promise<JournalHeader | undefined> {
  const file = await disk.open(path, 'read').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const head = Buffer.alloc(MAX_HEADER_BYTES);
    const bytes = await file.read(head, 0);
    return headerOf(JSON.parse(head.toString('utf8', 0, head.subarray(0, bytes).indexOf(NEWLINE))));
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

/** Appends to a journal. Lines that come while one write is being synced share the next. */
export class JournalWriter {
  private readonly file: DiskFile;
  private position: number;
  private waiting: Buffer[] = [];
  private flushing: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  private constructor(file: DiskFile, position: number) {
    this.file = file;
    this.position = position;
  }

  /** A new one, for its owner alone. Its name is durable when this resolves. */
  static async create(disk: Disk, path: string, header: JournalHeader): Promise<JournalWriter> {
    const line = { format: FORMAT, version: VERSION, ...header, salt: bytesToHex(header.salt) };
    await disk.writeFileAtomic(path, Buffer.from(`${JSON.stringify(line)}\n`), 0o600);
    return await JournalWriter.open(disk, path);
  }

  /** Goes on after `bytes`, or at the end; what stands behind is cut off. */
  static async open(disk: Disk, path: string, bytes?: number): Promise<JournalWriter> {
    const file = await disk.open(path, 'update', 0o600);
    if (bytes !== undefined) await file.truncate(bytes);
    return new JournalWriter(file, bytes ?? (await file.sizeBytes()));
  }

  /** Durable when it resolves. Throws `input-too-large` at the journal's bound. */
  sending(index: number, ids: readonly ShardId[]): Promise<void> {
    return this.append({ stripe: index, ids });
  }

  /** Only a hint, which nobody waits for. */
  stored(index: number, holders: readonly (PeerId | undefined)[]): void {
    this.append({ stripe: index, holders: holders.map((holder) => holder ?? null) }).catch(() => {});
  }

  committing(objectId: ObjectId): Promise<void> {
    return this.append({ committing: objectId });
  }

  async close(): Promise<void> {
    await this.next?.catch(() => {});
    await this.flushing?.catch(() => {});
    await this.file.close();
  }

  private append(line: object): Promise<void> {
    this.waiting.push(Buffer.from(`${JSON.stringify(line)}\n`));
    if (this.flushing === undefined) return this.flush();
    this.next ??= this.flushing.catch(() => {}).then(() => this.flush());
    return this.next;
  }

  private flush(): Promise<void> {
    this.next = undefined;
    const lines = this.waiting.splice(0);
    const bytes = lines.reduce((sum, { length }) => sum + length, 0);
    const work = async () => {
      if (this.position + bytes > MAX_JOURNAL_BYTES) {
        throw new DatameshError('input-too-large', { what: 'the journal of a put has reached its bound' });
      }
      const at = this.position;
      this.position += bytes;
      await this.file.write(lines, at);
      await this.file.datasync();
    };
    const flushing = work().finally(() => {
      if (this.flushing === flushing) this.flushing = undefined;
    });
    this.flushing = flushing;
    return flushing;
  }
}

function headerOf(line: unknown): JournalHeader {
  const { format, version, owner, salt, code, chunkBytes, startedAtMs } = line as Record<string, unknown>;
  const { k, m } = code as Record<string, unknown>;
  const bytes = hexToBytes(salt as string);
  const whole = [k, m, chunkBytes, startedAtMs].every(Number.isSafeInteger);
  if (
    format !== FORMAT ||
    version !== VERSION ||
    !isHexId(owner as string) ||
    bytes.length !== OWNER_SALT_BYTES ||
    !whole
  )
    throw senseless();
  return {
    owner: owner as OwnerId,
    salt: bytes,
    code: { k: k as number, m: m as number },
    chunkBytes: chunkBytes as number,
    startedAtMs: startedAtMs as number,
  };
}

function apply(line: unknown, content: JournalContent): void {
  const { stripe, ids, holders, committing } = line as Record<string, unknown>;
  if (typeof committing === 'string' && isHexId(committing)) {
    content.objectId = committing as ObjectId;
    return;
  }
  const shards = content.code.k + content.code.m;
  if (!Number.isSafeInteger(stripe)) throw senseless();
  const index = stripe as number;
  if (
    Array.isArray(ids) &&
    ids.length === shards &&
    ids.every((id) => typeof id === 'string' && isHexId(id))
  ) {
    content.stripes.set(index, { ids: ids as ShardId[], holders: undefined });
    return;
  }
  const noted = content.stripes.get(index);
  if (noted === undefined || !Array.isArray(holders) || holders.length !== shards) throw senseless();
  noted.holders = holders.map((holder) => (typeof holder === 'string' ? (holder as PeerId) : undefined));
}

function senseless(): DatameshError {
  return new DatameshError('malformed-data', { what: 'the journal of a put makes no sense' });
}
