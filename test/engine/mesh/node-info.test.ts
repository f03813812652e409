import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deviceOfSeed } from '../../../src/engine/keys/device.ts';
import { GOSSIP_FRESH_MS } from '../../../src/engine/mesh/limits.ts';
import { type NodeInfo, signNodeInfo, verifyNodeInfo } from '../../../src/engine/mesh/node-info.ts';
import { selfInfoIssuer } from '../../../src/engine/mesh/self-info.ts';
import { DatameshError } from '../../../src/errors.ts';
import { manualClock } from '../../support/manual-clock.ts';

const device = deviceOfSeed(randomBytes(32));
const info: NodeInfo = {
  peerId: device.peerId,
  network: 'home',
  name: 'alpha',
  role: 'regular',
  zone: 'attic',
  rack: '',
  version: '0.1.0',
  protocols: [1, 2],
  addresses: ['/ip4/127.0.0.1/tcp/4001'],
  capacityBytes: 100,
  freeBytes: 50,
  shards: 3,
  state: 'active',
  seq: 1,
};

test('a NodeInfo survives the wire and every flipped bit is refused', () => {
  const signed = signNodeInfo(info, device.sign);
  expect(verifyNodeInfo(signed)).toEqual(info);
  for (let bit = 0; bit < signed.length * 8; bit++) {
    const flipped = Uint8Array.from(signed);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(() => verifyNodeInfo(flipped)).toThrow(DatameshError);
  }
});

test('another device cannot speak in its name, and control characters never reach a screen', () => {
  const other = deviceOfSeed(randomBytes(32));
  expect(() => verifyNodeInfo(signNodeInfo(info, other.sign))).toThrow(/not signed by it/);
  const hostile = signNodeInfo({ ...info, name: 'a\u001b[2Jb' }, device.sign);
  expect(() => verifyNodeInfo(hostile)).toThrow(/malformed: name/);
});

describe('its number', () => {
  const clock = manualClock();
  let wallMs = 1_700_000_000_000;
  const { seq: _, protocols, ...described } = info;
  const start = () =>
    selfInfoIssuer({ ...clock, now: () => wallMs }, () => described, device.sign, protocols);
  const issuedAfter = (issue: ReturnType<typeof start>, stepMs: number) => {
    wallMs += stepMs;
    clock.advance(5_000);
    return verifyNodeInfo(issue(true)).seq;
  };

  test('rises whatever steps the wall clock makes, and over a restart, or nobody would believe it until the clock is past that again', () => {
    const issue = start();
    const steps = [0, 5_000, 5_000 - GOSSIP_FRESH_MS, 5_000, -1, 0, 86_400_000, 5_000];
    const numbers = steps.map((stepMs) => issuedAfter(issue, stepMs));
    numbers.push(issuedAfter(start(), 100_000));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  test('is the time again once a clock that was far ahead is set right: nobody believes one that is ten minutes from his own', () => {
    const issue = start();
    for (const aheadMs of [3_600_000, 10 * 365 * 86_400_000]) {
      issuedAfter(issue, aheadMs);
      expect(issuedAfter(issue, 5_000 - aheadMs)).toBe(wallMs);
      expect(issuedAfter(issue, 5_000)).toBe(wallMs);
    }
  });
});

test('garbage is refused, never thrown as anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
      expect(() => verifyNodeInfo(bytes)).toThrow(DatameshError);
    }),
    { numRuns: 2000 },
  );
});
