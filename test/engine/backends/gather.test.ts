import { expect, test } from 'vitest';
import { type Gathered, Gatherer, MAX_GATHERED } from '../../../src/engine/backends/gather.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { nextTurn } from '../../../src/engine/effects/turn.ts';

interface Sent extends Gathered<number> {
  answer(results?: readonly (string | Error)[]): void;
}

/** A gatherer of numbers whose messages are answered by hand; odd and even ones do not travel together when `split`. */
function gatherer({ graceMs = 0, split = false } = {}) {
  const sent: Sent[] = [];
  const gather = new Gatherer<number, string>(
    realClock(),
    graceMs,
    (value, [first]) => !split || (value - first!) % 2 === 0,
    (batch) =>
      new Promise((resolve) => {
        sent.push({ ...batch, answer: (results = batch.values.map(String)) => resolve(results) });
      }),
  );
  const ask = (value: number, signal?: AbortSignal) => gather.ask(value, { timeoutMs: 100 + value, signal });
  return { sent, ask, values: () => sent.map(({ values }) => values) };
}

test('one alone leaves at once; what comes while it is under way leaves together', async () => {
  const { sent, ask, values } = gatherer();
  const all = [ask(1)];
  await nextTurn();
  all.push(ask(2), ask(3));
  await nextTurn();
  all.push(ask(4));
  expect(values()).toEqual([[1]]);
  sent[0]!.answer();
  await all[0];
  await nextTurn();
  expect(values()).toEqual([[1], [2, 3, 4]]);
  expect(sent[1]!.timeoutMs).toBe(104);
  sent[1]!.answer();
  expect(await Promise.all(all)).toEqual(['1', '2', '3', '4']);
});

test('nobody waits long for an answer that does not come', async () => {
  const { sent, ask, values } = gatherer();
  void ask(1);
  await nextTurn();
  const second = ask(2);
  await expect.poll(values).toEqual([[1], [2]]);
  sent[1]!.answer();
  expect(await second).toBe('2');
});

test('a message has so many and no more, and only what goes together', async () => {
  const { ask, values } = gatherer();
  for (let i = 0; i < MAX_GATHERED + 3; i++) void ask(i);
  await expect.poll(() => values().map(({ length }) => length)).toEqual([MAX_GATHERED, 3]);
  const split = gatherer({ split: true });
  for (const value of [1, 3, 2, 4, 5]) void split.ask(value);
  await expect.poll(split.values).toEqual([[1, 3], [2, 4], [5]]);
});

test('each has its own result; a message that fails fails for all of it', async () => {
  const { sent, ask } = gatherer();
  const all = [ask(1), ask(2)];
  await nextTurn();
  sent[0]!.answer(['one', new Error('not two')]);
  expect(await all[0]).toBe('one');
  await expect(all[1]).rejects.toThrow('not two');
  const failing = new Gatherer<number, string>(
    realClock(),
    0,
    () => true,
    () => Promise.reject(new Error('no way')),
  );
  const ends = await Promise.allSettled([1, 2].map((value) => failing.ask(value, { timeoutMs: 1 })));
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('cancelled before it is sent it is not sent; the others go', async () => {
  const { sent, ask, values } = gatherer();
  const stopper = new AbortController();
  const gone = ask(1, stopper.signal);
  const stays = ask(2);
  stopper.abort();
  await expect(gone).rejects.toMatchObject({ code: 'cancelled' });
  await nextTurn();
  expect(values()).toEqual([[2]]);
  sent[0]!.answer();
  expect(await stays).toBe('2');
  await expect(ask(3, stopper.signal)).rejects.toMatchObject({ code: 'cancelled' });
});

test('cancelled on its way it waits for the answer, or for the grace; the message is given up with the last of them', async () => {
  const { sent, ask } = gatherer({ graceMs: 60_000 });
  const stoppers = [new AbortController(), new AbortController()];
  const all = stoppers.map(({ signal }, i) => ask(i, signal));
  const over = all.map((one) => one.catch(({ code }: { code: string }) => code));
  await nextTurn();
  stoppers[0]!.abort();
  expect(await Promise.race([over[0], nextTurn().then(() => 'waits')])).toBe('waits');
  expect(sent[0]!.signal.aborted).toBe(false);
  stoppers[1]!.abort();
  expect(sent[0]!.signal.aborted).toBe(true);
  sent[0]!.answer();
  expect(await Promise.all(over)).toEqual(['cancelled', 'cancelled']);
  const short = gatherer({ graceMs: 5 });
  const stopper = new AbortController();
  const one = short.ask(1, stopper.signal);
  await nextTurn();
  stopper.abort();
  await expect(one).rejects.toMatchObject({ code: 'cancelled' });
});
