/** The bytes of a script to its text, within limits that keep a wrong pipe from filling the memory. */
import { DatameshError } from '../errors.ts';

/** A script that people write has kilobytes; more is likely data piped in by mistake. */
export const MAX_SCRIPT_BYTES = 1024 * 1024;
export const MAX_LINES = 10_000;
/** 64 KiB. */
export const MAX_LINE_BYTES = 64 * 1024;

/** Throws `input-too-large` as soon as the limit is passed, without reading on, and `cancelled` when it is told to stop before the end. */
export async function readScript(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of untilAborted(source, signal)) {
    length += chunk.length;
    if (length > MAX_SCRIPT_BYTES) {
      throw new DatameshError('input-too-large', {
        what: `the script is longer than ${MAX_SCRIPT_BYTES} bytes`,
        mend: "split it; to store data from a pipe use 'datamesh put - --name NAME'",
      });
    }
    chunks.push(chunk);
  }
  if (signal.aborted)
    throw new DatameshError('cancelled', {
      what: 'cancelled before the script had been read; nothing was run',
    });
  return Buffer.concat(chunks);
}

/** What `source` gives, up to its end or until `signal` fires: whoever writes it may never come to an end. */
export async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  let stop = () => {};
  const onAbort = () => stop();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      // Not Promise.race: a promise that lasts as long as the stream would keep every piece of it.
      const next = await new Promise<IteratorResult<Uint8Array> | undefined>((resolve, reject) => {
        stop = () => resolve(undefined);
        if (signal.aborted) stop();
        else iterator.next().then(resolve, reject);
      });
      if (next === undefined || next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not waited for: a read that is under way may last.
    void iterator.return?.();
  }
}

/** UTF-8, with or without BOM, LF or CRLF. Throws `syntax` with the offset of the first wrong byte in `of`, or `input-too-large`. */
export function decodeScript(bytes: Uint8Array, of: 'script' | 'line' = 'script'): string {
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    throw new DatameshError('syntax', {
      what: `the ${of} holds a NUL byte at offset ${nul}`,
      mend: 'a script is UTF-8 text; is it a binary file or UTF-16?',
      details: { offset: nul },
    });
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    const offset = firstInvalid(bytes);
    throw new DatameshError('syntax', {
      what: `the ${of} is no valid UTF-8: byte 0x${(bytes[offset] ?? 0).toString(16).padStart(2, '0')} at offset ${offset}`,
      mend: 'save it as UTF-8',
      cause,
      details: { offset },
    });
  }
  let lines = 1;
  let start = 0;
  const tooLong = (end: number) => {
    if (Buffer.byteLength(text.slice(start, end)) <= MAX_LINE_BYTES) return;
    throw new DatameshError('input-too-large', {
      what: `line ${lines} is longer than ${MAX_LINE_BYTES} bytes`,
      mend: 'split it',
    });
  };
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
    tooLong(end);
    start = end + 1;
    lines++;
  }
  tooLong(text.length);
  if (start === text.length) lines--; // behind the last line's end is no line
  if (lines > MAX_LINES) {
    throw new DatameshError('input-too-large', {
      what: `the script has ${lines} lines, more than ${MAX_LINES}`,
      mend: 'split it',
    });
  }
  return text;
}

/** Offset of the first byte that no valid prefix can contain, by halving: a streaming decoder accepts cut characters. */
function firstInvalid(bytes: Uint8Array): number {
  const validUpTo = (length: number) => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (validUpTo(middle)) low = middle;
    else high = middle - 1;
  }
  return Math.min(low, bytes.length - 1);
}
