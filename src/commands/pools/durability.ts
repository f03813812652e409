/** `pool show --durability`: the model's figure with every assumption that went into it. */
import { anyLossPerYear, type DurabilityInput, durabilityOf } from '../../engine/maintenance/durability.ts';
import type { PoolDetail } from '../../engine/views/pools.ts';
import { DatameshError } from '../../errors.ts';
import type { Column, OptionSpec, Output, OutputRecord, Values } from '../command.ts';
import { formatBytes, formatDuration } from '../format/units.ts';

export const DURABILITY_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'durability',
    summary: 'Compute how likely loss is within a year, by a model with stated assumptions',
  },
  {
    name: 'failures',
    needs: 'durability',
    type: { kind: 'integer', min: 1, max: 99 },
    summary: 'Assumption: percent of nodes that lose their data for good in a year',
    default: '5',
  },
  {
    name: 'detection',
    needs: 'durability',
    type: { kind: 'duration' },
    summary: 'Assumption: until a lost node is noticed',
    default: '30s',
  },
  {
    name: 'grace',
    needs: 'durability',
    type: { kind: 'duration' },
    summary: 'Assumption: wait of stripes with enough spare',
    default: '15m',
  },
  {
    name: 'node-bytes',
    needs: 'durability',
    type: { kind: 'size' },
    summary: 'Assumption: bytes of shards on a node',
    default: '1TiB',
  },
  {
    name: 'repair-rate',
    needs: 'durability',
    type: { kind: 'size' },
    summary: 'Assumption: bytes a second that each node repairs',
    default: '64MiB',
  },
  {
    name: 'holders',
    needs: 'durability',
    type: { kind: 'integer', min: 2 },
    summary: 'Assumption: nodes that share repairs; those at hand unless given',
  },
  {
    name: 'stripes',
    needs: 'durability',
    type: { kind: 'integer', min: 1 },
    summary: 'Stripes of the object',
    default: '1',
  },
];

export const DURABILITY_COLUMNS: readonly Column[] = [
  { key: 'stripeLossPerYear', title: 'Model: stripe lost in a year' },
  { key: 'objectLossPerYear', title: 'Model: object lost in a year' },
  { key: 'mttdlYears', title: 'Model: mean years to loss' },
  { key: 'rebuildMs', title: 'Model: rebuild of a node', format: 'duration' },
];

/** As long as stripes with half of their parity gone settle (docs/DURABILITY.md). */
const SETTLE_MS = 10_000;

export function durabilityRecord(pool: PoolDetail, values: Values, out: Output): OutputRecord {
  // Folders of a machine go with it.
  const { holders, at } = pool.now;
  const nodes = (values.holders as number | undefined) ?? at.node;
  const needed = pool.code.k + pool.code.m;
  if (nodes < needed) {
    const areFolders = values.holders === undefined && holders >= needed;
    throw new DatameshError('bad-value', {
      what: `the model needs a node for each shard of a stripe: ${needed}, and there are ${nodes}`,
      why: areFolders
        ? 'folders of one machine are lost with it, and the model knows only what fails alone'
        : undefined,
      mend: areFolders
        ? `add nodes; to model disks on machines that never fail: --holders ${holders}`
        : 'add nodes, or state how many there will be with --holders',
    });
  }
  const input: DurabilityInput = {
    code: pool.code,
    failureRate: (values.failures as number) / 100,
    detectionMs: values.detection as number,
    settleMs: SETTLE_MS,
    graceMs: values.grace as number,
    nodes,
    nodeBytes: values['node-bytes'] as number,
    repairBytesPerSecond: values['repair-rate'] as number,
  };
  if (input.repairBytesPerSecond === 0)
    throw new DatameshError('bad-value', {
      what: '--repair-rate 0 repairs nothing',
      mend: 'give a rate, like 64MiB',
    });
  const { stripeLossPerYear, mttdlYears, rebuildMs } = durabilityOf(input);
  const stripes = values.stripes as number;
  out.note(
    `a model, not a measurement: nodes fail independently, ${values.failures} % a year; noticed after ${formatDuration(input.detectionMs)}; grace ${formatDuration(
      input.graceMs,
    )} while more than half of the parity is left; ${nodes} nodes repair at ${formatBytes(input.repairBytesPerSecond)}/s each what was ${formatBytes(
      input.nodeBytes,
    )} on the lost one`,
  );
  out.note(
    'what fails together (a house, a power line, a release of software) is not in it: docs/DURABILITY.md',
  );
  return {
    stripeLossPerYear,
    objectLossPerYear: anyLossPerYear(stripeLossPerYear, stripes),
    stripes,
    mttdlYears,
    rebuildMs,
    assumptions: {
      failureRate: input.failureRate,
      detectionMs: input.detectionMs,
      settleMs: input.settleMs,
      graceMs: input.graceMs,
      nodes,
      nodeBytes: input.nodeBytes,
      repairBytesPerSecond: input.repairBytesPerSecond,
    },
  };
}
