import { describe, expect, it } from 'vitest';
import { afterMeeting, type Meeting } from '../../../src/engine/node/after-meeting.ts';
import { createFakeEngine } from '../../support/fake-engine.ts';

function meeting(): Meeting & { end(): void } {
  let settle = () => {};
  const ended = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const state = {
    over: false,
    stopped: false,
    ended,
    end() {
      state.over = true;
      settle();
    },
    stop() {
      state.stopped = !state.over;
      settle();
    },
  };
  return state;
}

/** Whether it settles before a few turns of the event loop have passed. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const still = Symbol('pending');
  const turns = new Promise((resolve) => setTimeout(resolve, 20, still));
  return (await Promise.race([promise.catch(() => {}), turns])) === still;
}

describe('calls of a node that has just started', () => {
  it('that need holders wait until those who are there have answered', async () => {
    const met = meeting();
    const engine = afterMeeting(createFakeEngine({ objects: [{ name: 'a', content: 'x' }] }), met);
    const health = engine.health();
    expect(await isPending(health)).toBe(true);
    met.end();
    await expect(health).resolves.toHaveProperty('shardsLive');
    expect(await isPending(engine.health())).toBe(false);
  });

  it('that need none do not', async () => {
    const engine = afterMeeting(createFakeEngine({ objects: [{ name: 'a', content: 'x' }] }), meeting());
    expect((await engine.list()).objects).toHaveLength(1);
    await expect(engine.status()).resolves.toBeDefined();
  });

  it('end with the reason of their signal, and have begun nothing', async () => {
    const engine = afterMeeting(createFakeEngine(), meeting());
    const giveUp = new AbortController();
    let read = false;
    async function* source() {
      read = true;
      yield new Uint8Array(1);
    }
    const put = engine.put(source(), { name: 'a', sizeBytes: 1 }, { signal: giveUp.signal });
    const reason = new Error('given up');
    giveUp.abort(reason);
    await expect(put).rejects.toBe(reason);
    await expect(engine.get('a', {}, { signal: giveUp.signal })).rejects.toBe(reason);
    expect(read).toBe(false);
  });

  it('do not begin in an engine that was closed meanwhile', async () => {
    const engine = afterMeeting(createFakeEngine(), meeting());
    const health = engine.health();
    await engine.close();
    await expect(health).rejects.toMatchObject({ code: 'cancelled' });
  });
});
