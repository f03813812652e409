import { describe, expect, it } from 'vitest';
import { parseCode, parseDuration } from '../../src/lang/units.ts';

describe('durations', () => {
  it.each([
    ['300ms', 300],
    ['2s', 2000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
    ['0', 0],
    [' 5M ', 300_000],
  ])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['10', '', 's', '5x', '1h 30m', '-5s', '5', '1e9s', '99999999999999w'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('codes', () => {
  it.each([
    ['4+2', { k: 4, m: 2 }],
    ['1+2', { k: 1, m: 2 }],
    ['253+2', { k: 253, m: 2 }],
  ])('%s', (text, code) => expect(parseCode(text)).toEqual(code));

  it.each(['4', '4+0', '0+2', '254+2', '4-2', '4+2+1', 'a+b', ''])('%j is none', (text) =>
    expect(parseCode(text)).toBeUndefined(),
  );
});
