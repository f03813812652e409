import { describe, expect, it } from 'vitest';
import { connectEngine } from '../../../src/engine/control/client.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { DatameshError } from '../../../src/errors.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { bytesOf, chunks, dataFolder, errorOf, serve } from './support.ts';

const OBJECTS = [
  { name: 'notes.txt', content: 'hello', tags: ['text'] },
  { name: 'odd\n"name" 日本語 ../x', content: 'odd' },
  { name: 'big.bin', content: Buffer.alloc(300_000, 7) },
];

describe('every method answers as the engine itself does', () => {
  it.each<[string, (engine: Engine) => Promise<unknown>]>([
    ['status', (it) => it.status()],
    ['snapshot', (it) => it.snapshot()],
    ['peers', (it) => it.peers()],
    ['health', (it) => it.health()],
    ['health by proofs', (it) => it.health({ depth: 'proved' })],
    ['verify', (it) => it.verify({ ref: 'notes.txt', deep: true })],
    ['prove', async (it) => bytesOf((await it.prove('notes.txt')).body)],
    ['prove, what of', async (it) => ({ ...(await it.prove('notes.txt')), body: undefined })],
    ['stats', (it) => it.stats()],
    ['list', (it) => it.list()],
    [
      'list with a query',
      (it) => it.list({ prefix: 'n', tag: 'text', sort: 'size', reverse: true, limit: 1 }),
    ],
    ['find', (it) => it.find('big.bin')],
    ['info', (it) => it.info('big.bin', { stripeLimit: 0 })],
    ['info of an odd name', (it) => it.info(OBJECTS[1]!.name)],
    ['delete', (it) => it.delete('notes.txt')],
    ['bootstrap', (it) => it.bootstrap('/ip4/127.0.0.1/tcp/4001')],
    [
      'put',
      (it) =>
        it.put(chunks('one', 'two'), { name: 'new', tags: ['a'], code: { k: 2, m: 1 }, compress: true }),
    ],
    ['discover', (it) => it.discover(10)],
    ['rebalance', (it) => it.rebalance({ pool: 'x', apply: true, tolerance: 0.05, bytesPerSecond: 1000 })],
    ['jobs', (it) => it.jobs.list()],
    ['one job', (it) => it.jobs.show('j1')],
    ['the end of a job', (it) => it.jobs.wait('j1')],
    ['a cancelled job', (it) => it.jobs.cancel('j1')],
    ['speedTest', (it) => it.speedTest('birch', 100)],
    ['put', (it) => it.put(chunks('one', 'two'), { name: 'new', tags: ['a'], code: { k: 2, m: 1 } })],
    ['get', async (it) => ({ ...(await it.get('notes.txt')), body: undefined })],
    ['get of a range', async (it) => bytesOf((await it.get('big.bin', { offset: 5, length: 70_000 })).body)],
  ])('%s', async (_name, call) => {
    const { client } = await serve(createFakeEngine({ objects: OBJECTS }));
    expect(await call(client)).toEqual(await call(createFakeEngine({ objects: OBJECTS })));
  });

  it('keeps gaps in the round-trip history as gaps', async () => {
    const { client } = await serve(createFakeEngine());
    const suspect = (await client.peers()).find((peer) => peer.state === 'suspect')!;
    expect(suspect.rttHistoryMs).toContain(undefined);
    expect(suspect.rttHistoryMs).not.toContain(null);
  });

  it('stores what was sent and tells the progress', async () => {
    const engine = createFakeEngine();
    const { client } = await serve(engine);
    const seen: number[] = [];
    const onProgress = (it: { doneBytes: number }) => seen.push(it.doneBytes);
    await client.put(chunks('abc', 'def'), { name: 'x' }, { onProgress });
    expect(seen.at(-1)).toBe(6);
    expect((await bytesOf((await engine.get('x')).body)).toString()).toBe('abcdef');
    seen.length = 0;
    await bytesOf((await client.get('x', {}, { onProgress })).body);
    expect(seen.at(-1)).toBe(6);
    await client.put(chunks(), { name: 'empty' });
    expect(await bytesOf((await client.get('empty')).body)).toHaveLength(0);
  });
});

describe('errors come over as they are', () => {
  const failure = new DatameshError('quota-full', {
    what: 'what',
    why: 'why',
    mend: 'mend',
    details: { freeBytes: 5, list: [1, 'x'] },
  });

  it.each<[string, (engine: Engine) => Promise<unknown>]>([
    ['status', (it) => it.status()],
    ['snapshot', (it) => it.snapshot()],
    ['peers', (it) => it.peers()],
    ['health', (it) => it.health()],
    ['verify', (it) => it.verify({})],
    ['prove', (it) => it.prove('x')],
    ['stats', (it) => it.stats()],
    ['put', (it) => it.put(chunks('x'), { name: 'x' })],
    ['get', (it) => it.get('x')],
    ['list', (it) => it.list()],
    ['find', (it) => it.find('x')],
    ['info', (it) => it.info('x')],
    ['delete', (it) => it.delete('x')],
    ['bootstrap', (it) => it.bootstrap('/ip4/127.0.0.1/tcp/1')],
  ])('%s', async (method, call) => {
    const { client } = await serve(createFakeEngine({ fail: { [method]: failure } }));
    const error = await errorOf(call(client));
    expect(error).toBeInstanceOf(DatameshError);
    expect(error.toRecord()).toEqual(failure.toRecord());
  });

  it('a defect of the engine is an internal error, and the service lives on', async () => {
    const { client } = await serve(createFakeEngine({ fail: { list: new TypeError('x is undefined') } }));
    expect(await errorOf(client.list())).toMatchObject({
      code: 'internal',
      message: 'unexpected error: x is undefined',
    });
    expect((await client.status()).name).toBe('alder');
  });

  it('a request with wrong fields is refused by name', async () => {
    const { client } = await serve(createFakeEngine());
    const odd = { sort: 'colour' } as unknown as { sort: 'name' };
    expect(await errorOf(client.list(odd))).toMatchObject({
      code: 'bad-value',
      message: expect.stringContaining('"sort"'),
    });
    const long = await errorOf(client.put(chunks('x'), { name: 'n'.repeat(5000) }));
    expect(long).toMatchObject({ code: 'bad-value', message: expect.stringContaining('"name"') });
    const more = { name: 'x', admin: true } as { name: string };
    expect(await errorOf(client.put(chunks('x'), more))).toMatchObject({
      message: expect.stringContaining('"admin"'),
    });
  });

  it('without a service there is no engine, and after it has stopped there is a clear error', async () => {
    expect(await connectEngine(dataFolder())).toBeUndefined();
    expect(await connectEngine('/nonexistent/datamesh')).toBeUndefined();
    const { client, server } = await serve(createFakeEngine());
    await server.close();
    expect(await errorOf(client.status())).toMatchObject({ code: 'service-not-running', exit: 5 });
  });
});
