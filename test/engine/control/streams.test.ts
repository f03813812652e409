import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freeNow } from '../../../src/engine/codec/memory.ts';
import { connectEngine } from '../../../src/engine/control/client.ts';
import type { CallOptions, Engine, GetResult, Receipt } from '../../../src/engine/engine.ts';
import { DatameshError } from '../../../src/errors.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { pattern } from '../codec/reference.ts';
import { atEnd, bytesOf, chunks, dataFolder, errorOf, serve, until } from './support.ts';

const MIB = 1024 * 1024;
const TOTAL_BYTES = 64 * MIB;
/** Socket and stream buffers of both sides; far below the 64 MiB that pass through. */
const MAX_AHEAD_BYTES = 6 * MIB;

/** Gives `TOTAL_BYTES` in pieces of 1 MiB and counts what it has given. */
function source() {
  const state = {
    givenBytes: 0,
    ended: false,
    async *[Symbol.asyncIterator]() {
      try {
        while (state.givenBytes < TOTAL_BYTES) {
          state.givenBytes += MIB;
          yield Buffer.alloc(MIB, state.givenBytes / MIB);
        }
      } finally {
        state.ended = true;
      }
    },
  };
  return state;
}

/** A fake engine with an own put or get. */
function engineWith(change: Partial<Pick<Engine, 'put' | 'get' | 'health'>>): Engine {
  return Object.assign(createFakeEngine({ objects: [{ name: 'x', content: 'x' }] }), change);
}

async function getResult(engine: Engine, body: AsyncIterable<Uint8Array>): Promise<GetResult> {
  return { ...(await engine.get('x')), length: TOTAL_BYTES, body };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('64 MiB with bounded memory', () => {
  it('a slow engine holds the sender of a put back', async () => {
    const given = source();
    let taken = 0;
    let ahead = 0;
    const plain = createFakeEngine();
    const { client } = await serve(
      engineWith({
        async put(bytes, options) {
          for await (const chunk of bytes) {
            if (Math.floor(taken / MIB) !== Math.floor((taken + chunk.length) / MIB)) await sleep(3);
            taken += chunk.length;
            ahead = Math.max(ahead, given.givenBytes - taken);
          }
          return plain.put(chunks(), options);
        },
      }),
    );
    await client.put(given, { name: 'x' });
    expect(taken).toBe(TOTAL_BYTES);
    expect(ahead).toBeLessThan(MAX_AHEAD_BYTES);
  });

  it('a slow reader holds the engine of a get back', async () => {
    const given = source();
    const { client } = await serve(
      engineWith({
        get: () => getResult(createFakeEngine({ objects: [{ name: 'x', content: '' }] }), given),
      }),
    );
    let taken = 0;
    let ahead = 0;
    for await (const chunk of (await client.get('x')).body) {
      if (Math.floor(taken / MIB) !== Math.floor((taken + chunk.length) / MIB)) await sleep(3);
      expect(chunk[0]).toBe(Math.floor(taken / MIB) + 1);
      taken += chunk.length;
      ahead = Math.max(ahead, given.givenBytes - taken);
    }
    expect(taken).toBe(TOTAL_BYTES);
    expect(ahead).toBeLessThan(MAX_AHEAD_BYTES);
  });
});

it('the pieces of a put are given away, and each has memory of its own', async () => {
  const plain = createFakeEngine();
  const { client } = await serve(
    engineWith({
      async put(bytes, options, call) {
        expect(call?.givesPieces).toBe(true);
        const copies: Uint8Array[] = [];
        for await (const piece of bytes) {
          copies.push(Uint8Array.from(piece));
          freeNow(piece);
        }
        return plain.put(chunks(...copies), options);
      },
    }),
  );
  // Three at once, in pieces that a read of the socket cuts anywhere.
  await Promise.all(
    [1000, 70_001, MIB].map(async (pieceBytes, at) => {
      const content = pattern(3 * MIB + at, at);
      const pieces = Array.from({ length: Math.ceil(content.length / pieceBytes) }, (_, i) =>
        content.subarray(i * pieceBytes, (i + 1) * pieceBytes),
      );
      await client.put(chunks(...pieces), { name: `x${at}` });
      const { body } = await plain.get(`x${at}`);
      expect(Buffer.compare(await bytesOf(body), content)).toBe(0);
    }),
  );
});

describe('failures in the middle', () => {
  it('a get that fails midway throws what the engine threw, after the bytes before it', async () => {
    const content = Buffer.alloc(300_000, 1);
    const { client } = await serve(
      createFakeEngine({ objects: [{ name: 'x', content }], failGetAfterBytes: 131_072 }),
    );
    const { body, length } = await client.get('x');
    expect(length).toBe(300_000);
    let taken = 0;
    const error = await errorOf(
      (async () => {
        for await (const chunk of body) taken += chunk.length;
      })(),
    );
    expect(error).toMatchObject({ code: 'shards-missing', exit: 7, details: { missing: [0, 2, 5] } });
    expect(taken).toBe(131_072);
    expect((await client.status()).name).toBe('alder');
  });

  it('a put that the engine refuses stops the sender', async () => {
    const given = source();
    const { client } = await serve(createFakeEngine({ objects: [{ name: 'x', content: 'old' }] }));
    expect(await errorOf(client.put(given, { name: 'x', ifAbsent: true }))).toMatchObject({
      code: 'already-exists',
    });
    await until(() => given.ended);
    expect(given.givenBytes).toBeLessThan(MAX_AHEAD_BYTES);
    expect((await bytesOf((await client.get('x')).body)).toString()).toBe('old');
  });

  it('a put that fails in the middle of the file says why', async () => {
    const given = source();
    const full = new DatameshError('quota-full', { what: 'no room', details: { freeBytes: 0 } });
    const { client } = await serve(
      engineWith({
        async put(bytes) {
          for await (const _ of bytes) throw full;
          throw new Error('no bytes came');
        },
      }),
    );
    const error = await errorOf(client.put(given, { name: 'y' }));
    expect(error.toRecord()).toEqual(full.toRecord());
    await until(() => given.ended);
    expect(given.givenBytes).toBeLessThan(MAX_AHEAD_BYTES);
  });

  it('a source that fails leaves nothing stored, and its own error is the one told', async () => {
    const engine = createFakeEngine();
    const { client } = await serve(engine);
    async function* failing() {
      yield Buffer.from('first half');
      await until(() => engine.calls.includes('put'));
      throw new RangeError('the disk is broken');
    }
    expect(await errorOf(client.put(failing(), { name: 'x' }))).toMatchObject({
      message: 'the disk is broken',
    });
    await sleep(50);
    expect((await client.list()).objects).toEqual([]);
  });

  it('a service that is killed in the middle of a get is told from an end', async () => {
    const dataDir = dataFolder();
    const child = spawn(process.execPath, [join(import.meta.dirname, 'endless-service-entry.ts'), dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    atEnd(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const client = (await connectEngine(dataDir))!;
    let taken = 0;
    const reading = (async () => {
      for await (const chunk of (await client.get('x')).body) {
        taken += chunk.length;
        if (taken > MIB) child.kill('SIGKILL');
      }
    })();
    expect(await errorOf(reading)).toMatchObject({ code: 'service-not-running', exit: 5 });
    expect(taken).toBeGreaterThan(MIB);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await client.close();
    // The dead one's socket is still there; it is no service, and the next one takes its place.
    expect(await connectEngine(dataDir)).toBeUndefined();
    const { client: next } = await serve(createFakeEngine(), dataDir);
    expect((await next.status()).name).toBe('alder');
  });
});

describe('cancelling', () => {
  /** Waits until it is cancelled. */
  async function forever(
    call: CallOptions | undefined,
    seen: { begun: boolean; aborted: boolean },
  ): Promise<never> {
    seen.begun = true;
    await new Promise<void>((resolve) =>
      call?.signal?.addEventListener('abort', () => resolve(), { once: true }),
    );
    seen.aborted = true;
    throw new DOMException('aborted', 'AbortError');
  }

  it.each<
    [
      string,
      (seen: { begun: boolean; aborted: boolean }) => Parameters<typeof engineWith>[0],
      (client: Engine, signal: AbortSignal) => Promise<unknown>,
    ]
  >([
    [
      'put',
      (seen) => ({ put: (_bytes, _options, call) => forever(call, seen) }),
      (it, signal) => it.put(source(), { name: 'y' }, { signal }),
    ],
    [
      'get',
      (seen) => ({ get: (_ref, _options, call) => forever(call, seen) }),
      (it, signal) => it.get('x', {}, { signal }),
    ],
    ['health', (seen) => ({ health: (call) => forever(call, seen) }), (it, signal) => it.health({ signal })],
  ])('an aborted %s is aborted in the engine too', async (_name, change, call) => {
    const seen = { begun: false, aborted: false };
    const { client } = await serve(engineWith(change(seen)));
    const abort = new AbortController();
    const running = errorOf(call(client, abort.signal));
    await until(() => seen.begun);
    abort.abort();
    expect(await running).toMatchObject({ code: 'cancelled', exit: 130 });
    await until(() => seen.aborted);
    expect((await client.status()).name).toBe('alder');
  });

  it('a call with a signal that has fired already does not begin', async () => {
    const engine = createFakeEngine({ objects: [{ name: 'x', content: 'x' }] });
    const { client } = await serve(engine);
    expect(await errorOf(client.get('x', {}, { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'cancelled',
    });
    expect(engine.calls).not.toContain('get');
  });

  it('a reader that stops early ends the engine’s read', async () => {
    const given = source();
    const { client } = await serve(
      engineWith({
        get: () => getResult(createFakeEngine({ objects: [{ name: 'x', content: '' }] }), given),
      }),
    );
    for await (const _ of (await client.get('x')).body) break;
    await until(() => given.ended);
    expect(given.givenBytes).toBeLessThan(MAX_AHEAD_BYTES);
  });

  it('a service that closes cancels what runs and tells the caller', async () => {
    const seen = { begun: false, aborted: false };
    const put = (
      _bytes: AsyncIterable<Uint8Array>,
      _options: unknown,
      call?: CallOptions,
    ): Promise<Receipt> => forever(call, seen);
    const { client, server } = await serve(engineWith({ put }));
    const running = errorOf(client.put(chunks('x'), { name: 'y' }));
    await until(() => seen.begun);
    await server.close();
    expect(await running).toMatchObject({ code: 'cancelled' });
    expect(seen.aborted).toBe(true);
  });
});
