import { expect, test } from 'vitest';
import { failureOf, statusOfError } from '../../../../src/engine/backends/shard-protocol.ts';
import { nextTurn } from '../../../../src/engine/effects/turn.ts';
import { isBusy, ProofGate } from '../../../../src/engine/maintenance/proof/gate.ts';
import { ProofTurns } from '../../../../src/engine/maintenance/proof/turns.ts';
import type { PeerId } from '../../../../src/engine/types.ts';
import { asDatameshError, DatameshError } from '../../../../src/errors.ts';
import { type ManualClock, manualClock } from '../../../support/manual-clock.ts';

const CALL = { timeoutMs: 60_000 };
const ASKER = 'asker' as PeerId;

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    clock.advance(100);
    await settle();
  }
}

/** What the gate throws, as the asker has it from the wire. */
async function overTheWire<T>(work: Promise<T>): Promise<T> {
  return await work.catch((error: unknown) => {
    const failure = asDatameshError(error);
    throw failureOf(statusOfError(failure), Buffer.from(failure.message));
  });
}

test('what an asker wants to know at once comes to the gate as it lets it in', async () => {
  const gate = new ProofGate(manualClock());
  const turns = new ProofTurns(manualClock());
  const asked = Array.from({ length: 20 }, (_, n) =>
    turns.ask(CALL, () => overTheWire(gate.run(ASKER, () => nextTurn().then(() => n)))),
  );
  expect(await Promise.all(asked)).toEqual(asked.map((_, n) => n));
});

test('a holder that is busy is asked again, less and less often, until it is free or the time is over', async () => {
  const clock = manualClock();
  const gate = new ProofGate(clock);
  let free = () => {};
  const others = [1, 2].map(() =>
    gate.run(
      ASKER,
      () =>
        new Promise<void>((resolve) => {
          free = resolve;
        }),
    ),
  );
  let questions = 0;
  const ask = (timeoutMs: number) =>
    new ProofTurns(clock).ask({ timeoutMs }, () => {
      questions++;
      return overTheWire(gate.run(ASKER, async () => 'proof'));
    });
  const short = ask(5_000).then(
    () => 'proof',
    (error: DatameshError) => error,
  );
  await pass(clock, 10_000);
  const failure = await short;
  expect(failure).toBeInstanceOf(DatameshError);
  expect(isBusy(failure as DatameshError)).toBe(true);
  // After 0, 100, 300, 700, 1500, 3100 ms; the next would be too late.
  expect(questions).toBe(6);
  const long = ask(60_000);
  await pass(clock, 10_000);
  for (const other of others) {
    free();
    await other;
    await settle();
  }
  await pass(clock, 2_000);
  expect(await long).toBe('proof');
});

test('a refusal for other reasons is told at once', async () => {
  const gate = new ProofGate(manualClock());
  const tooMuch = new ProofTurns(manualClock()).ask(CALL, () =>
    overTheWire(
      gate.run(ASKER, async (metered) => {
        for (let i = 0; i < 5; i++) await metered(Promise.resolve({ length: 2 ** 26 } as Uint8Array));
      }),
    ),
  );
  const failure = (await tooMuch.catch((error: unknown) => error)) as DatameshError;
  expect(failure.code).toBe('denied');
  expect(isBusy(failure)).toBe(false);
});

test('those that wait behind one without an answer do not add up their limits', async () => {
  const clock = manualClock();
  const turns = new ProofTurns(clock);
  let questions = 0;
  const silent = (timeoutMs: number) => {
    questions++;
    return clock
      .sleep(timeoutMs)
      .then(() => Promise.reject(new DatameshError('timeout', { what: 'no answer' })));
  };
  const codes = Array.from({ length: 10 }, () =>
    turns.ask(CALL, silent).catch((error: unknown) => asDatameshError(error).code),
  );
  await settle();
  await pass(clock, 60_000);
  expect(await Promise.all(codes)).toEqual(codes.map(() => 'timeout'));
  expect(questions).toBe(2);
  // It is no judgement for ever.
  expect(await turns.ask(CALL, async () => 'proof')).toBe('proof');
});

test('who gives up while it waits for its turn is asked for no more', async () => {
  const turns = new ProofTurns(manualClock());
  const never = () => new Promise<never>(() => {});
  for (let i = 0; i < 2; i++) void turns.ask(CALL, never);
  const stopper = new AbortController();
  let asked = false;
  const third = turns.ask({ ...CALL, signal: stopper.signal }, async () => {
    asked = true;
  });
  stopper.abort();
  await expect(third).rejects.toThrow(/abort/);
  expect(asked).toBe(false);
});
