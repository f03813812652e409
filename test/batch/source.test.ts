import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeScript,
  MAX_LINE_BYTES,
  MAX_LINES,
  MAX_SCRIPT_BYTES,
  readScript,
} from '../../src/batch/source.ts';
import type { DatameshError } from '../../src/errors.ts';

const problem = (bytes: Uint8Array): DatameshError => {
  try {
    decodeScript(bytes);
  } catch (error) {
    return error as DatameshError;
  }
  throw new Error('no problem was found');
};

describe('decodeScript', () => {
  it('takes UTF-8 with and without BOM', () => {
    expect(decodeScript(Buffer.from('\ufeffput ä\r\n'))).toBe('put ä\r\n');
    expect(decodeScript(Buffer.from(''))).toBe('');
  });

  it('names the first byte that is none', () => {
    expect(problem(Buffer.from([0x61, 0xc3, 0xa4, 0xff, 0x61])).details).toEqual({ offset: 3 });
    expect(problem(Buffer.from([0x61, 0xc3])).code).toBe('syntax');
    expect(problem(Buffer.from('a\0b')).details).toEqual({ offset: 1 });
  });

  it('finds the place of a bad byte wherever it stands', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'ä', '€', '😀', '\n'), maxLength: 40 }),
        fc.string({ unit: 'grapheme-ascii', maxLength: 9 }),
        (head, tail) => {
          const start = Buffer.from(head);
          const bytes = Buffer.concat([start, Buffer.from([0xff]), Buffer.from(tail)]);
          expect(problem(bytes).details).toEqual({ offset: start.length });
        },
      ),
    );
  });

  it('has limits', async () => {
    expect(problem(Buffer.from('x'.repeat(MAX_LINE_BYTES + 1))).code).toBe('input-too-large');
    const lines = 'list\n'.repeat(MAX_LINES);
    expect(decodeScript(Buffer.from(lines))).toBe(lines);
    expect(problem(Buffer.from(`${lines}list`)).code).toBe('input-too-large');
    expect(decodeScript(Buffer.from('x'.repeat(MAX_LINE_BYTES)))).toHaveLength(MAX_LINE_BYTES);
    let asked = 0;
    async function* endless() {
      for (;;) {
        asked++;
        yield new Uint8Array(MAX_SCRIPT_BYTES / 4);
      }
    }
    await expect(readScript(endless(), new AbortController().signal)).rejects.toMatchObject({
      code: 'input-too-large',
    });
    expect(asked).toBe(5);
  });

  it('ends when it is told to, though the rest does not come', async () => {
    const stop = new AbortController();
    async function* halting() {
      yield Buffer.from('list\n');
      setImmediate(() => stop.abort());
      await new Promise(() => {});
    }
    await expect(readScript(halting(), stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
  });
});
