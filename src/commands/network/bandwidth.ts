import type { RateWindow } from '../../engine/engine.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, Context, OutputRecord } from '../command.ts';
import { measuredRates } from '../format/measured-rates.ts';
import { BANDWIDTH_FIELDS, SPEED_FIELDS } from './fields.ts';

const DEFAULT_TEST_MS = 10_000;
/** As the engine's (mesh/speed-test.ts), which is not loaded for a command. */
const MAX_TEST_MS = 30_000;

export const bandwidthCommand: Command = {
  path: ['bandwidth'],
  synonyms: [['bw']],
  group: 'network',
  summary: 'Show what this node sends and receives, or measure the speed to a peer',
  description: `Rates are of all connections, encryption included; protocols count what passes their streams. What this
    node has not run long enough to have measured (the mean of 5 minutes, say) is left out. --test-peer really sends and receives
    bytes, over the same streams and under the same limits as shards, half of the time each way; it takes this bandwidth from everything
    else, on both nodes, and so lasts 30 s at most.`,
  args: [],
  options: [
    { name: 'test-peer', type: { kind: 'peer' }, summary: 'Measure the speed to this peer (name or id)' },
    {
      name: 'duration',
      needs: 'test-peer',
      type: { kind: 'duration' },
      summary: 'Length of the test, both ways together',
      default: '10s',
    },
  ],
  examples: [
    { line: 'datamesh bandwidth', note: 'what passes now' },
    { line: 'datamesh bandwidth --test-peer attic --duration 20s', note: 'measure, ten seconds each way' },
    { line: 'datamesh bandwidth --json=name,nowBytesPerSecond', note: 'for a script' },
  ],
  effects: 'reads',
  fields: [BANDWIDTH_FIELDS, SPEED_FIELDS],
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'nowBytesPerSecond', title: 'NOW', align: 'right', format: 'rate' },
    { key: 'avg1mBytesPerSecond', title: '1 MIN', align: 'right', format: 'rate', priority: 1 },
    { key: 'avg5mBytesPerSecond', title: '5 MIN', align: 'right', format: 'rate', priority: 2 },
    { key: 'peakBytesPerSecond', title: 'PEAK', align: 'right', format: 'rate', priority: 3 },
    { key: 'sentBytes', title: 'SENT', align: 'right', format: 'bytes' },
    { key: 'receivedBytes', title: 'RECEIVED', align: 'right', format: 'bytes' },
    { key: 'capBytesPerSecond', title: 'LIMIT', align: 'right', format: 'rate', priority: 4 },
  ],
  otherViews: [
    {
      when: (values) => values['test-peer'] !== undefined,
      blocks: true,
      columns: [
        { key: 'name', title: 'Peer' },
        { key: 'peerId', title: 'Id' },
        { key: 'sentBytesPerSecond', title: 'To it', format: 'rate' },
        { key: 'receivedBytesPerSecond', title: 'From it', format: 'rate' },
        { key: 'rttMs', title: 'Round trip', format: 'duration' },
        { key: 'sentBytes', title: 'Sent', format: 'bytes' },
        { key: 'receivedBytes', title: 'Received', format: 'bytes' },
        { key: 'tlsShare', title: 'Over TLS', format: 'percent' },
      ],
    },
  ],
  exits: [{ code: EXIT.unreachable, meaning: 'with --test-peer: the peer does not answer' }],
  async run(context, values) {
    const peer = values['test-peer'] as string | undefined;
    if (peer !== undefined)
      return test(context, peer, (values.duration as number | undefined) ?? DEFAULT_TEST_MS);
    const engine = await context.engine();
    const { bandwidth, status } = await engine.snapshot();
    const { up, down, capUpBytesPerSecond, capDownBytesPerSecond } = bandwidth;
    context.out.record({ ...total('up', up, capUpBytesPerSecond), sentBytes: up.totalBytes });
    context.out.record({ ...total('down', down, capDownBytesPerSecond), receivedBytes: down.totalBytes });
    for (const { protocol, sentBytes, receivedBytes } of bandwidth.byProtocol) {
      context.out.record({ ...EMPTY, name: protocol, sentBytes, receivedBytes });
    }
    if (status.mode === 'embedded') {
      const { startWords } = await import('../node/service-words.ts');
      context.out.note(
        `no service runs, so these are the rates of this command alone: ${await startWords(context)}`,
      );
    }
    return undefined;
  },
};

const EMPTY: OutputRecord = {
  name: null,
  nowBytesPerSecond: null,
  avg1mBytesPerSecond: null,
  avg5mBytesPerSecond: null,
  peakBytesPerSecond: null,
  sentBytes: null,
  receivedBytes: null,
  capBytesPerSecond: null,
};

function total(name: string, window: RateWindow, cap: number | undefined): OutputRecord {
  const { now, avg1m, avg5m, peak } = measuredRates(window);
  return {
    ...EMPTY,
    name,
    nowBytesPerSecond: now ?? null,
    avg1mBytesPerSecond: avg1m ?? null,
    avg5mBytesPerSecond: avg5m ?? null,
    peakBytesPerSecond: peak ?? null,
    capBytesPerSecond: cap ?? null,
  };
}

async function test(context: Context, peer: string, durationMs: number): Promise<undefined> {
  if (durationMs > MAX_TEST_MS || durationMs < 1) {
    throw new DatameshError('bad-value', {
      what: `--duration must be more than 0 and up to ${MAX_TEST_MS / 1000} s`,
      why: 'a test takes bandwidth from everything else, on both nodes',
      mend: 'a few seconds show the speed of most links',
    });
  }
  const engine = await context.engine();
  const report = await engine.speedTest(peer, durationMs, { signal: context.signal });
  context.out.record({
    ...report,
    name: report.name ?? null,
    sentBytesPerSecond: (report.sentBytes * 1000) / report.sentMs,
    receivedBytesPerSecond: (report.receivedBytes * 1000) / report.receivedMs,
  });
}
