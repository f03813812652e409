/**
 * Framing of the two streams of bytes that the control API carries.
 *
 * put, request body: u32 length ‖ options as JSON ‖ the file's bytes to the end of the body.
 * get, response body: frames u8 kind ‖ u32 length ‖ payload, in the order head, data*, then end or error. An answer
 * that stops without end or error was cut off. Numbers are big-endian.
 */
import { DatameshError } from '../../errors.ts';

export const FRAME = { head: 1, data: 2, end: 3, error: 4 } as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

const FRAME_HEADER_BYTES = 5;
/** Options, heads and errors; a name has 4 KiB at most and tags 64 × 256 B, and JSON may escape each byte six-fold. */
export const MAX_JSON_BYTES = 256 * 1024;

/** Header of a data frame, or a whole frame with a small JSON payload. */
export function frameHeader(kind: FrameKind, lengthBytes: number): Uint8Array {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt8(kind, 0);
  header.writeUInt32BE(lengthBytes, 1);
  return header;
}

export function jsonFrame(kind: FrameKind, value: unknown): Uint8Array {
  const payload = Buffer.from(JSON.stringify(value));
  return Buffer.concat([frameHeader(kind, payload.length), payload]);
}

/** What opens a put's request body. */
export function bodyHead(value: unknown): Uint8Array {
  const payload = Buffer.from(JSON.stringify(value));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length);
  return Buffer.concat([length, payload]);
}

/** Takes exact runs of bytes out of a stream of chunks; never holds more than one chunk and what was asked for. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** At least one byte and at most `maxBytes` of what comes next, without waiting for more; undefined at the end. */
  async some(maxBytes: number): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) return undefined;
      this.#rest = next.value;
    }
    const taken = this.#rest.subarray(0, maxBytes);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** Exactly `lengthBytes`; undefined when the stream ends before the first; throws when it ends in between. */
  async exactly(lengthBytes: number): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    let missing = lengthBytes;
    while (missing > 0) {
      const part = await this.some(missing);
      if (part === undefined) {
        if (missing === lengthBytes) return undefined;
        throw cutOff();
      }
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  async stop(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** Splits a put's request body into its options and the file's bytes. Throws `bad-value` when it is malformed. */
export async function readBodyHead(
  body: AsyncIterable<Uint8Array>,
): Promise<{ head: unknown; rest: AsyncIterable<Uint8Array> }> {
  const reader = new ByteReader(body);
  const length = (await reader.exactly(4))?.readUInt32BE() ?? 0;
  if (length === 0 || length > MAX_JSON_BYTES) throw malformed('the options are missing or too long');
  const head = parseJson(await reader.exactly(length));
  async function* rest() {
    try {
      for (let chunk = await reader.some(Infinity); chunk !== undefined; chunk = await reader.some(Infinity))
        yield chunk;
    } finally {
      await reader.stop();
    }
  }
  return { head, rest: rest() };
}

export type Frame = { kind: 'json'; frame: FrameKind; value: unknown } | { kind: 'data'; bytes: Uint8Array };

/** Frames of a get's response. A data frame is passed on piece by piece as it arrives. */
export async function* readFrames(body: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void, undefined> {
  const reader = new ByteReader(body);
  try {
    for (;;) {
      const header = await reader.exactly(FRAME_HEADER_BYTES);
      if (header === undefined) return;
      const frame = header.readUInt8(0) as FrameKind;
      let missing = header.readUInt32BE(1);
      if (frame === FRAME.data) {
        while (missing > 0) {
          const bytes = await reader.some(missing);
          if (bytes === undefined) throw cutOff();
          missing -= bytes.length;
          yield { kind: 'data', bytes };
        }
      } else {
        if (missing > MAX_JSON_BYTES) throw malformed('a frame is too long');
        yield {
          kind: 'json',
          frame,
          value: missing === 0 ? undefined : parseJson(await reader.exactly(missing)),
        };
      }
    }
  } finally {
    await reader.stop();
  }
}

/** Values of a stream of JSON lines; an empty line is a sign of life and no more. */
export async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  let rest = Buffer.alloc(0);
  for await (const chunk of body) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      if (end > 0) yield parseJson(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MAX_JSON_LINE_BYTES) throw malformed('a line is too long');
  }
  if (rest.length > 0) throw cutOff();
}

/** A health report or a receipt on one line: 100 objects with names of 4 KiB, or 255 holders. */
const MAX_JSON_LINE_BYTES = 16 * 1024 * 1024;

function parseJson(bytes: Buffer | undefined): unknown {
  if (bytes === undefined) throw cutOff();
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw malformed('it is not JSON', error);
  }
}

/** The other side went away in the middle of a message. */
export function cutOff(cause?: unknown): DatameshError {
  return new DatameshError('service-not-running', {
    what: 'the connection to the service broke off in the middle of an answer',
    why: 'the service was stopped or has crashed',
    mend: 'see: datamesh service status, datamesh service logs',
    cause,
  });
}

function malformed(why: string, cause?: unknown): DatameshError {
  return new DatameshError('bad-value', {
    what: 'a message on the control socket is malformed',
    why,
    mend: 'use the same version of datamesh for the service and its commands: datamesh service stop && datamesh service start',
    cause,
  });
}
