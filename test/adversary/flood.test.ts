/**
 * A peer that floods a real service: its memory stays within twice what it is idle, and another peer's reads from it go on. Every run takes those that
 * found something once; with FLOOD_MS, all of them for so long.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FloodBench, type FloodRequest, openFloodBench } from '../support/flood.ts';

const ALL = process.env.FLOOD_MS !== undefined;
const FLOOD_MS = Number(process.env.FLOOD_MS ?? 2_000);
const EVERY_RUN: readonly FloodRequest['mode'][] = [
  'custody',
  'deaf',
  'giant-frames',
  'gossip',
  'giant-messages',
];

const TEST_MS = 60_000 + FLOOD_MS;
/** Of one request to the victim, on two cores that the flooder and the reader share with it. */
const P99_BAR_MS = 2_000;
const WORST_BAR_MS = 5_000;

const FLOODS: readonly [FloodRequest['mode'], string][] = [
  ['requests', 'requests on both planes, 500 at a time'],
  ['custody', 'questions of custody, 256 objects each, 500 at a time'],
  ['puts', 'bodies of 8 MiB, 64 at a time'],
  ['deaf', 'requests for large shards whose answers are never read'],
  ['streams', 'streams without end'],
  ['connections', 'TCP connections to libp2p'],
  ['slowloris', 'half greetings to libp2p, a byte a second'],
  ['slowloris-bulk', 'half TLS handshakes to the bulk plane, a byte a second'],
  ['slowloris-control', 'half heads to the control socket, a byte a second'],
  ['giant-frames', 'frames of 4 GiB and 64 MiB, announced and not sent'],
  ['half-headers', 'half headers on streams'],
  ['gossip', 'NodeInfos of nodes that do not exist'],
  ['giant-messages', 'giant messages on the library\u2019s own protocols, and giant hellos'],
];

let bench: FloodBench;
beforeAll(async () => {
  bench = await openFloodBench();
}, TEST_MS);
afterAll(() => bench?.close(), TEST_MS);

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0);

describe.skipIf(process.platform !== 'linux')('a flood of', () => {
  test.each(FLOODS.filter(([mode]) => ALL || EVERY_RUN.includes(mode)))(
    '%s: %s',
    async (mode) => {
      const it = await bench.flood(mode, FLOOD_MS);
      process.stdout.write(
        `${mode}: ${mib(it.idleBytes)} MiB idle, ${mib(it.peakBytes)} MiB at most (x${(it.peakBytes / it.idleBytes).toFixed(2)}); ` +
          `${it.reads} reads of 256 KiB beside it, ${it.failed.length} failed, p50 ${it.p50Ms.toFixed(0)} ms, p99 ${it.p99Ms.toFixed(0)} ms, ` +
          `worst ${it.worstMs.toFixed(0)} ms; status ${it.statusMs.toFixed(0)} ms; the flooder: ${JSON.stringify(it.did)}\n`,
      );
      expect(
        Object.values(it.did).reduce((sum, value) => sum + value, 0),
        'it did flood',
      ).toBeGreaterThan(0);
      expect(it.failed).toEqual([]);
      expect(it.peakBytes).toBeLessThanOrEqual(2 * it.idleBytes);
      expect(it.p99Ms).toBeLessThan(P99_BAR_MS);
      expect(it.worstMs).toBeLessThan(WORST_BAR_MS);
    },
    TEST_MS,
  );
});
