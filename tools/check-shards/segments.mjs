/** The shards in the segment files of a data folder, read as docs/FORMATS.md "Shard store" has them; the index is not looked at. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { hashOf } from './hash.mjs';

const SEGMENT_HEADER_BYTES = 64;
const RECORD_HEADER_BYTES = 64;
const OWNER_BYTES = 32;
const MAX_OWNERS = 256;
const MAX_POOL_BYTES = 64;
const KIND = { shard: 1, owners: 2, gone: 3 };

/**
 * `onShard(id, bytes)` for each shard that is there whole. Returns how many are, and the ids of those whose bytes are no longer
 * what their ids say.
 */
export function readSegments(dataFolder, onShard) {
  const folder = join(dataFolder, 'shards');
  if (!existsSync(folder)) return { shards: 0, bytes: 0, rotten: [] };
  const numbers = readdirSync(folder)
    .map((name) => /^(\d{8,})\.seg$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
  const files = numbers.map((number) => readSegment(folder, number)).filter((file) => file !== undefined);
  const fences = new Map(files.map(({ previous, fence }) => [previous, fence]));
  /** Where the bytes of each id are that count: the last word of the log. */
  const last = new Map();
  for (const file of files) {
    const end = Math.min(file.bytes.length, fences.get(file.number) ?? Number.POSITIVE_INFINITY);
    for (const record of recordsOf(file, end)) {
      if (record.kind === KIND.gone) last.delete(record.id);
      else if (record.kind === KIND.shard) last.set(record.id, { file, record });
    }
  }
  const found = { shards: 0, bytes: 0, rotten: [] };
  for (const [id, { file, record }] of last) {
    const bytes = file.bytes.subarray(record.bytesAt, record.bytesAt + record.length);
    if (bytes.length === record.length && hashOf(bytes) === id) {
      found.shards++;
      found.bytes += bytes.length;
      onShard(id, bytes);
    } else {
      found.rotten.push(id);
    }
  }
  return found;
}

function readSegment(folder, number) {
  const bytes = readFileSync(join(folder, `${String(number).padStart(8, '0')}.seg`));
  if (bytes.length < SEGMENT_HEADER_BYTES || bytes.toString('latin1', 0, 4) !== 'DMSG') return undefined;
  if (crc32(bytes.subarray(0, 60)) !== bytes.readUInt32LE(60)) return undefined;
  if (bytes.readUInt32LE(8) !== number) return undefined;
  return {
    number,
    bytes,
    previous: bytes.readUInt32LE(12),
    fence: bytes.readUInt32LE(16),
    salt: bytes.subarray(32, 48),
  };
}

/** Whatever is no record is passed over to the next place that is one: its checksum says so, place and salt included. */
function* recordsOf(file, end) {
  let at = SEGMENT_HEADER_BYTES;
  while (at !== -1 && at < end) {
    const record = recordAt(file, at, end);
    if (record !== undefined) yield record;
    at = record === undefined ? file.bytes.indexOf('DMRC', at + 1, 'latin1') : record.end;
  }
}

function recordAt({ bytes, number, salt }, at, end) {
  if (at + RECORD_HEADER_BYTES > end || bytes.toString('latin1', at, at + 4) !== 'DMRC') return undefined;
  const version = bytes[at + 4];
  const owners = bytes.readUInt16LE(at + 6);
  const length = bytes.readUInt32LE(at + 8);
  const poolBytes = bytes[at + 22];
  if (version < 1 || version > 2 || owners > MAX_OWNERS || poolBytes > MAX_POOL_BYTES) return undefined;
  const bytesAt = at + RECORD_HEADER_BYTES + owners * OWNER_BYTES + poolBytes;
  if (bytesAt + length > end) return undefined;
  const place = Buffer.alloc(8);
  place.writeUInt32LE(number, 0);
  place.writeUInt32LE(at, 4);
  let sum = crc32(salt);
  for (const part of [place, bytes.subarray(at, at + 28), bytes.subarray(at + 32, bytesAt)])
    sum = crc32(part, sum);
  if (sum !== bytes.readUInt32LE(at + 28)) return undefined;
  return {
    kind: bytes[at + 5],
    id: bytes.toString('hex', at + 32, at + 64),
    length,
    bytesAt,
    end: bytesAt + length,
  };
}
