/**
 * Bundles: objects with their names in one sealed file that needs no mesh to be opened. A key of its own, locked with a passphrase, and parts whose number and end are bound, so that
 * none can be changed, moved or cut off. Written and read as a stream. Format: docs/FORMATS.md "Bundles".
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { DatameshError } from '../../errors.ts';
import { blake3, type Hasher, hashProvider } from '../codec/hash.ts';
import { MAX_MIME_TYPE_BYTES, MAX_NAME_BYTES, MAX_TAG_BYTES, MAX_TAGS } from '../codec/manifest-limits.ts';
import type { Random } from '../effects/random.ts';
import { lockSecret, parseSecret, unlockSecret } from '../keys/sealed-secret.ts';

import { ByteQueue } from './byte-queue.ts';

export interface BundleEntry {
  name: string;
  sizeBytes: number;
  mimeType: string;
  tags: string[];
  createdAtMs: number;
}

export interface BundledObject extends BundleEntry {
  /** To be read to its end before the next object is asked for; a changed content throws at its end. */
  body: AsyncIterable<Uint8Array>;
}

const MAGIC = Buffer.from('datamesh-bundle\n');
const VERSION = 1;
const AAD = Buffer.from('datamesh/bundle/1\n');
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const PART_BYTES = 256 * 1024;
const MAX_LOCK_BYTES = 4096;
/** Name, tags and type at their longest, escaped. */
const MAX_HEAD_BYTES = 64 * 1024;

/** The file's bytes. Throws what the objects' bodies throw, and `internal` when one has not the size it said. */
export async function* sealBundle(
  objects: AsyncIterable<BundledObject>,
  passphrase: string,
  random: Random,
): AsyncGenerator<Uint8Array> {
  const fileKey = random.bytes(KEY_BYTES);
  const lock = Buffer.from(JSON.stringify(await lockSecret(fileKey, passphrase, AAD, random)));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(lock.length);
  const header = Buffer.concat([MAGIC, Uint8Array.of(VERSION), length, lock]);
  yield header;
  const key = createSecretKey(fileKey);
  const bound = blake3(header);
  const queue = new ByteQueue();
  let index = 0;
  for await (const piece of plainBytes(objects)) {
    queue.push(piece);
    // The last part is sealed as such, so one is held back.
    while (queue.length > PART_BYTES) yield sealPart(key, bound, index++, false, queue.take(PART_BYTES));
  }
  yield sealPart(key, bound, index, true, queue.take(queue.length));
}

/** Throws `malformed-data`, `format-too-new`, `wrong-passphrase`, and `not-authentic` for what was changed, moved or cut off. */
export async function* openBundle(
  source: AsyncIterable<Uint8Array>,
  passphrase: string,
): AsyncGenerator<BundledObject> {
  const plain = new PlainReader(opened(source, passphrase));
  for (;;) {
    const length = (await plain.exactly(4)).readUInt32BE();
    if (length === 0) break;
    if (length > MAX_HEAD_BYTES) throw malformed('the head of an object is too long');
    const entry = readEntry(await plain.exactly(length));
    const body = plain.body(entry.sizeBytes);
    yield { ...entry, body };
    await plain.drain();
  }
  if (!(await plain.atEnd())) throw malformed('something follows its end');
}

async function* plainBytes(objects: AsyncIterable<BundledObject>): AsyncGenerator<Uint8Array> {
  for await (const { body, name, sizeBytes, mimeType, tags, createdAtMs } of objects) {
    const head = Buffer.from(JSON.stringify({ name, sizeBytes, mimeType, tags, createdAtMs }));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(head.length);
    yield Buffer.concat([length, head]);
    const hash = hashProvider().hasher();
    let bytes = 0;
    for await (const piece of body) {
      hash.update(piece);
      bytes += piece.length;
      yield piece;
    }
    if (bytes !== sizeBytes) {
      throw new DatameshError('internal', { what: `an object of ${sizeBytes} bytes gave ${bytes}` });
    }
    yield hash.digest();
  }
  yield Buffer.alloc(4);
}

function sealPart(
  key: KeyObject,
  bound: Uint8Array,
  index: number,
  last: boolean,
  plain: Uint8Array,
): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index), { authTagLength: TAG_BYTES });
  cipher.setAAD(additional(bound, last));
  const head = Buffer.alloc(5);
  head.writeUInt8(last ? 1 : 0);
  head.writeUInt32BE(plain.length, 1);
  return Buffer.concat([head, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

async function* opened(source: AsyncIterable<Uint8Array>, passphrase: string): AsyncGenerator<Uint8Array> {
  const raw = new PlainReader(source);
  const fixed = await raw.exactly(MAGIC.length + 3);
  if (!fixed.subarray(0, MAGIC.length).equals(MAGIC)) throw malformed('it does not begin like one');
  const version = fixed[MAGIC.length]!;
  if (version > VERSION) {
    throw new DatameshError('format-too-new', {
      what: `the bundle has format ${version}, this datamesh reads ${VERSION}`,
      mend: 'update datamesh',
    });
  }
  const lockBytes = fixed.readUInt16BE(MAGIC.length + 1);
  if (version === 0 || lockBytes > MAX_LOCK_BYTES) throw malformed('its header');
  const lock = await raw.exactly(lockBytes);
  const secret = parseSecret(parseJson(lock));
  if (secret?.kind !== 'argon2id') throw malformed('its key');
  const fileKey = await unlockSecret(secret, passphrase, AAD, 'this bundle').catch((cause: unknown) => {
    if (!(cause instanceof DatameshError) || cause.code !== 'wrong-passphrase') throw cause;
    throw new DatameshError('wrong-passphrase', {
      what: 'the passphrase does not open this bundle',
      mend: 'try again; without it nobody can open it',
      cause,
    });
  });
  if (fileKey.length !== KEY_BYTES) throw malformed('its key');
  const key = createSecretKey(fileKey);
  const bound = blake3(Buffer.concat([fixed, lock]));
  for (let index = 0; ; index++) {
    const head = await raw.exactly(5);
    const [last, length] = [head.readUInt8(), head.readUInt32BE(1)];
    if (last > 1 || length > PART_BYTES) throw malformed('a part');
    const sealed = await raw.exactly(length + TAG_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index), { authTagLength: TAG_BYTES });
    decipher.setAAD(additional(bound, last === 1));
    decipher.setAuthTag(sealed.subarray(length));
    let plain: Buffer;
    try {
      plain = Buffer.concat([decipher.update(sealed.subarray(0, length)), decipher.final()]);
    } catch (cause) {
      throw new DatameshError('not-authentic', {
        what: 'the bundle was changed, or parts of it are missing',
        cause,
      });
    }
    yield plain;
    if (last === 1) break;
  }
  if (!(await raw.atEnd())) throw malformed('something follows its last part');
}

/** Bytes of a stream by number. */
class PlainReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #queue = new ByteQueue();
  /** Of the body that was given out and not read. */
  #left = 0;
  #hash: Hasher | undefined;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async exactly(length: number): Promise<Buffer> {
    while (this.#queue.length < length) if (!(await this.#more())) throw malformed('it ends too soon');
    return this.#queue.take(length);
  }

  async atEnd(): Promise<boolean> {
    while (this.#queue.length === 0) if (!(await this.#more())) return true;
    return false;
  }

  body(sizeBytes: number): AsyncIterable<Uint8Array> {
    this.#left = sizeBytes;
    this.#hash = hashProvider().hasher();
    return this.#pieces();
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) yield await this.#piece();
    await this.#check();
  }

  /** What is left of the body, read to its end. */
  async drain(): Promise<void> {
    while (this.#left > 0) await this.#piece();
    await this.#check();
  }

  async #piece(): Promise<Uint8Array> {
    if (this.#queue.length === 0 && !(await this.#more())) throw malformed('it ends too soon');
    const piece = this.#queue.take(Math.min(this.#queue.length, this.#left));
    this.#left -= piece.length;
    this.#hash!.update(piece);
    return piece;
  }

  async #check(): Promise<void> {
    if (this.#hash === undefined) return;
    const hash = this.#hash.digest();
    this.#hash = undefined;
    const wanted = await this.exactly(hash.length);
    if (Buffer.compare(wanted, hash) !== 0) throw malformed('an object has not the hash that it should have');
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next();
    if (!next.done) this.#queue.push(next.value);
    return !next.done;
  }
}

function readEntry(bytes: Uint8Array): BundleEntry {
  const value = parseJson(bytes) as Partial<Record<keyof BundleEntry, unknown>> | undefined;
  const { name, sizeBytes, mimeType, tags, createdAtMs } = value ?? {};
  const whole = (it: unknown): it is number => Number.isSafeInteger(it) && (it as number) >= 0;
  const text = (it: unknown, max: number): it is string =>
    typeof it === 'string' && it.isWellFormed() && Buffer.byteLength(it) <= max;
  if (!text(name, MAX_NAME_BYTES) || name === '' || !text(mimeType, MAX_MIME_TYPE_BYTES))
    throw malformed('a name');
  if (!whole(sizeBytes) || !whole(createdAtMs)) throw malformed('a number');
  if (!Array.isArray(tags) || tags.length > MAX_TAGS || !tags.every((tag) => text(tag, MAX_TAG_BYTES)))
    throw malformed('tags');
  return { name, sizeBytes, mimeType, tags: tags as string[], createdAtMs };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The key is of one bundle, so a part's number is enough. */
function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(index), 4);
  return nonce;
}

function additional(bound: Uint8Array, last: boolean): Uint8Array {
  return Buffer.concat([AAD, bound, Uint8Array.of(last ? 1 : 0)]);
}

function malformed(why: string): DatameshError {
  return new DatameshError('malformed-data', { what: 'this is no whole bundle', why });
}
