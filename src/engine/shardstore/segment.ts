/**
 * Segment files `00000001.seg`, numbered upwards and never reused, and the store's FORMAT file.
 *
 * A segment begins with 64 bytes, little-endian: 0 magic 'DMSG' · 4 u16 version · 8 u32 number · 12 u32 number of the
 * segment before · 16 u32 how much of that one is valid · 24 u48 created at (ms) · 32 salt, 16 bytes · 60 u32 CRC-32.
 * "Valid up to" is the fence: whatever a failed write left beyond it in the segment before does not count, ever.
 */
import { crc32 } from 'node:zlib';
import { DatameshError } from '../../errors.ts';
import type { Disk } from '../effects/disk.ts';
import type { Random } from '../effects/random.ts';
import { bytesToHex, hexToBytes } from '../types.ts';
import { isUnreadable } from './store-errors.ts';

export const SEGMENT_HEADER_BYTES = 64;
export const SALT_BYTES = 16;
/** Raised when an older datamesh could not read what a newer one writes. 2: records name a pool. */
export const STORE_FORMAT = 2;
const MAGIC = 0x47534d44;
const CRC_AT = 60;
const NAME = /^(\d{8,})\.seg$/;
/** As the header has it. */
const MAX_NUMBER = 0xffffffff;
const MAX_FORMAT_BYTES = 4096;

export interface SegmentHeader {
  /** Of the datamesh that began the segment, 1 to STORE_FORMAT. */
  format: number;
  number: number;
  /** The segment written before this one, 0 for none, and how many of its bytes are valid. */
  previous: number;
  previousValidBytes: number;
  createdAtMs: number;
  salt: Uint8Array;
}

export function segmentPath(dir: string, number: number): string {
  return `${dir}/${String(number).padStart(8, '0')}.seg`;
}

/** Numbers of the segment files in `dir`, upwards. */
export async function listSegments(disk: Disk, dir: string): Promise<number[]> {
  const numbers: number[] = [];
  for (const name of await disk.list(dir)) {
    const number = Number(NAME.exec(name)?.[1] ?? Number.NaN);
    if (number <= MAX_NUMBER && segmentPath(dir, number) === `${dir}/${name}`) numbers.push(number);
  }
  return numbers.sort((a, b) => a - b);
}

export function encodeSegmentHeader(header: Omit<SegmentHeader, 'format'>): Uint8Array {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt16LE(STORE_FORMAT, 4);
  bytes.writeUInt32LE(header.number, 8);
  bytes.writeUInt32LE(header.previous, 12);
  bytes.writeUInt32LE(header.previousValidBytes, 16);
  bytes.writeUIntLE(header.createdAtMs, 24, 6);
  bytes.set(header.salt, 32);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

/** The header, or undefined when it is damaged or cut. Throws `format-too-new` for an intact one of a newer format. */
export function parseSegmentHeader(bytes: Uint8Array, path: string): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, SEGMENT_HEADER_BYTES);
  if (view.readUInt32LE(0) !== MAGIC || view.readUInt32LE(CRC_AT) !== crc32(view.subarray(0, CRC_AT)))
    return undefined;
  const version = view.readUInt16LE(4);
  if (version > STORE_FORMAT) throw tooNew(path, version);
  return {
    format: version,
    number: view.readUInt32LE(8),
    previous: view.readUInt32LE(12),
    previousValidBytes: view.readUInt32LE(16),
    createdAtMs: view.readUIntLE(24, 6),
    salt: Uint8Array.from(view.subarray(32, 32 + SALT_BYTES)),
  };
}

/**
 * What lies at a segment's name: its header; `headless` where that is damaged, cut or cannot be read; `foreign` for what
 * this store did not write there, as a folder or a file of another store: that is neither read nor changed.
 */
export async function lookAtSegment(
  disk: Disk,
  dir: string,
  number: number,
  salt: Uint8Array | undefined,
): Promise<SegmentHeader | 'headless' | 'foreign'> {
  const path = segmentPath(dir, number);
  try {
    if ((await disk.stat(path))?.kind !== 'file') return 'foreign';
    const header = await readSegmentHeader(disk, path);
    if (header === undefined) return 'headless';
    const isOurs = salt === undefined || Buffer.compare(header.salt, salt) === 0;
    return isOurs && header.number === number ? header : 'foreign';
  } catch (error) {
    if (isUnreadable(error)) return 'headless';
    throw error;
  }
}

async function readSegmentHeader(disk: Disk, path: string): Promise<SegmentHeader | undefined> {
  const file = await disk.open(path, 'read');
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const count = await file.read(bytes, 0);
    return parseSegmentHeader(bytes.subarray(0, count), path);
  } finally {
    await file.close();
  }
}

/**
 * The store's salt from FORMAT; a new store gets both. A FORMAT that is lost or damaged is written again from the
 * segments, which all carry the salt; an older one is raised, for from now on an older datamesh could misread what is
 * written. Throws `format-too-new`.
 */
export async function openFormat(disk: Disk, dir: string, random: Random): Promise<Uint8Array> {
  const path = `${dir}/FORMAT`;
  const bytes = await disk.readFile(path, MAX_FORMAT_BYTES);
  const found = bytes === undefined ? undefined : parseFormat(bytes, path);
  if (found?.format === STORE_FORMAT) return found.salt;
  const salt = found?.salt ?? (await saltOfSegments(disk, dir)) ?? random.bytes(SALT_BYTES);
  const text = `${JSON.stringify({ store: 'datamesh shards', format: STORE_FORMAT, salt: bytesToHex(salt) })}\n`;
  await disk.writeFileAtomic(path, Buffer.from(text), 0o600);
  return salt;
}

/**
 * Looks at FORMAT and at the head of every segment, and changes nothing: which segments there are, the salt of the store as hex where FORMAT can be read, which segments have a head that
 * makes no sense or cannot be read (opening counts what is in them as lost), and what is foreign. Throws `format-too-new`.
 */
export async function examineStore(
  disk: Disk,
  dir: string,
): Promise<{ numbers: number[]; store: string | undefined; headless: string[]; foreign: string[] }> {
  const path = `${dir}/FORMAT`;
  const bytes = await disk.readFile(path, MAX_FORMAT_BYTES);
  const numbers = (await disk.stat(dir)) === undefined ? [] : await listSegments(disk, dir);
  const found = bytes === undefined ? undefined : parseFormat(bytes, path);
  const headless: string[] = [];
  const foreign: string[] = [];
  for (const number of numbers) {
    const look = await lookAtSegment(disk, dir, number, found?.salt);
    if (look === 'headless') headless.push(segmentPath(dir, number));
    if (look === 'foreign') foreign.push(segmentPath(dir, number));
  }
  const store = found === undefined ? undefined : bytesToHex(found.salt);
  return { numbers, store, headless, foreign };
}

interface StoreFormat {
  format: number;
  salt: Uint8Array;
}

function parseFormat(bytes: Uint8Array, path: string): StoreFormat | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  const { format, salt } = (value ?? {}) as { format?: unknown; salt?: unknown };
  if (typeof format === 'number' && format > STORE_FORMAT) throw tooNew(path, format);
  if (typeof format !== 'number' || typeof salt !== 'string' || !/^[0-9a-f]{32}$/.test(salt))
    return undefined;
  return { format, salt: hexToBytes(salt) };
}

async function saltOfSegments(disk: Disk, dir: string): Promise<Uint8Array | undefined> {
  for (const number of await listSegments(disk, dir)) {
    const look = await lookAtSegment(disk, dir, number, undefined);
    if (typeof look === 'object') return look.salt;
  }
  return undefined;
}

export function tooNew(path: string, version: number): DatameshError {
  return new DatameshError('format-too-new', {
    what: `${path} has format ${version}; this datamesh reads up to ${STORE_FORMAT}`,
    why: 'a newer datamesh has written this data folder',
    mend: 'run that newer datamesh, or a later one, on it; nothing has been changed',
  });
}
