import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lag } from '../../../src/engine/mesh/lag.ts';
import { LatencyWindow } from '../../../src/engine/mesh/latency.ts';
import { LatencyBook } from '../../../src/engine/mesh/latency-book.ts';

const MINUTE_MS = 60_000;

test('a window says what sorting the last fresh samples says, whatever came', () => {
  const sample = fc.record({
    ms: fc.integer({ min: 0, max: 50 }),
    gapMs: fc.integer({ min: 0, max: MINUTE_MS }),
  });
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 200 }), fc.integer({ min: 1, max: 70 }), (samples, size) => {
      const window = new LatencyWindow(size);
      const all: { ms: number; atMs: number }[] = [];
      let nowMs = 0;
      for (const { ms, gapMs } of samples) {
        nowMs += gapMs;
        window.add(ms, nowMs);
        all.push({ ms, atMs: nowMs });
        const fresh = all
          .slice(-size)
          .filter(({ atMs }) => nowMs - atMs <= 5 * MINUTE_MS)
          .map((one) => one.ms)
          .sort((a, b) => a - b);
        expect([...window.sorted(nowMs)]).toEqual(fresh);
        expect(window.quantiles(nowMs)).toEqual({
          p50: fresh[Math.ceil(0.5 * fresh.length) - 1],
          p95: fresh[Math.ceil(0.95 * fresh.length) - 1],
        });
      }
    }),
  );
});

test('large and small shards, reads and writes are counted apart, and together for people', () => {
  const book = new LatencyBook();
  book.add('get', 1000, 1, 0);
  book.add('get', 1 << 20, 20, 0);
  book.add('put', 1000, 300, 0);
  expect(book.of('get', 4000, 0).p95).toBe(1);
  expect(book.of('get', 2 << 20, 0).p95).toBe(20);
  expect(book.of('put', 10, 0).p50).toBe(300);
  expect(book.of('get', 100_000, 0).p50).toBeUndefined();
  expect(book.of('get', 1000, 0, 2).p50).toBeUndefined();
  expect(book.overall(0)).toEqual({ p50: 20, p95: 300 });
});

describe('lag', () => {
  test('is endless while an answer is overdue, and gone when it has come', () => {
    const lag = new Lag();
    const first = lag.late();
    const second = lag.late();
    first();
    first();
    expect(lag.ms(0)).toBe(Number.POSITIVE_INFINITY);
    second();
    expect(lag.ms(0)).toBe(0);
  });

  test('one that is overtaken again and again is tried again ever later, at most some twenty seconds later', () => {
    const lag = new Lag();
    let nowMs = 0;
    const waitsMs: number[] = [];
    for (let i = 0; i < 8; i++) {
      lag.overtaken(40, nowMs);
      const fromMs = nowMs;
      while (lag.ms(nowMs) > 16) nowMs += 100;
      waitsMs.push(nowMs - fromMs);
    }
    expect(waitsMs[0]).toBeLessThan(4_000);
    for (let i = 1; i < waitsMs.length; i++) expect(waitsMs[i]).toBeGreaterThanOrEqual(waitsMs[i - 1]!);
    expect(waitsMs.at(-1)).toBeGreaterThan(15_000);
    expect(waitsMs.at(-1)).toBeLessThan(30_000);
  });

  test('a usual answer ends it, a slow one does not', () => {
    const lag = new Lag();
    lag.overtaken(40, 0);
    lag.answered(100, 10);
    expect(lag.ms(0)).toBe(40);
    lag.answered(15, 10);
    expect(lag.ms(0)).toBe(0);
    lag.overtaken(40, 0);
    expect(lag.ms(0)).toBe(40);
  });
});
