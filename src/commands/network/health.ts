import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthReport, PeerView } from '../../engine/engine.ts';
import { EXIT } from '../../errors.ts';
import type { Command, Output, OutputRecord } from '../command.ts';
import { HEALTH_FIELDS } from './fields.ts';

const DEFAULT_EVERY_MS = 10_000;

export const healthCommand: Command = {
  path: ['health'],
  synonyms: [['h']],
  group: 'network',
  summary: 'Ask every holder for every shard, and show what lives',
  description: `A census, taken now: its figures are the holders' answers, not what was once written. Spare is the number of
    living shards of a stripe minus k; at spare 0 the next loss destroys data. Shards are those of all stripes and the
    copies of each object's manifest; an object with several names is counted once, under the first of them.

    Depth "asked" is what holders say that they have. With --proved each holder must show it: it reads every shard whole and answers with a
    slice of it that a fresh random number chooses, and with a sum of all of it, which is held against the sums of the stripe's other shards; a holder that
    cannot counts as not having it, from then on also when it is only asked. Where sums do not fit together the shards are read, some 16 stripes and 256 MiB at a time.`,
  args: [],
  options: [
    { name: 'check', summary: 'End with a failure unless every object is whole' },
    { name: 'proved', summary: 'Make holders prove every shard, in place of asking them' },
    { name: 'continuous', summary: 'Take one census after another, until Ctrl-C' },
    {
      name: 'every',
      needs: 'continuous',
      type: { kind: 'duration' },
      summary: 'With --continuous: wait so long between two; 10s unless given',
    },
  ],
  examples: [
    { line: 'datamesh health', note: 'take a census and show it' },
    { line: 'datamesh health --proved --json', note: 'by proofs, with the worst objects' },
    { line: 'datamesh health --check --quiet || alert', note: 'exit 3 when degraded, 7 when data are lost' },
  ],
  effects: 'reads',
  fields: HEALTH_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'depth', title: 'Depth' },
    { key: 'takenAtMs', title: 'Taken', format: 'time' },
    { key: 'durationMs', title: 'Took', format: 'duration' },
    { key: 'objects', title: 'Objects' },
    { key: 'ok', title: 'Whole' },
    { key: 'degraded', title: 'Degraded' },
    { key: 'critical', title: 'Critical' },
    { key: 'lost', title: 'Lost' },
    { key: 'shardsLive', title: 'Shards living' },
    { key: 'shardsExpected', title: 'Shards expected' },
    { key: 'stripesLost', title: 'Stripes lost' },
    { key: 'stripesSpare0', title: 'Stripes, spare 0' },
    { key: 'stripesSpare1', title: 'Stripes, spare 1' },
    { key: 'stripesSpare2', title: 'Stripes, spare 2' },
    { key: 'stripesSpare3plus', title: 'Stripes, spare 3+' },
    { key: 'silent', title: 'Silent peers' },
  ],
  exits: [
    { code: EXIT.partial, meaning: 'with --check: objects are degraded, none is lost' },
    { code: EXIT.integrity, meaning: 'with --check: an object is lost' },
  ],
  async run(context, values) {
    const { out, signal } = context;
    const engine = await context.engine();
    const depth = values.proved === true ? ('proved' as const) : undefined;
    const everyMs = (values.every as number | undefined) ?? DEFAULT_EVERY_MS;
    for (;;) {
      const report = await engine.health({
        signal,
        depth,
        onProgress: (progress) => out.progress('census', progress),
      });
      show(out, report);
      if (report.silentPeers.length > 0) tellBanned(out, report, await engine.peers());
      if (values.continuous !== true) return values.check === true ? stateExit(report) : undefined;
      await out.flush?.();
      await sleep(everyMs, undefined, { signal });
    }
  },
};

function show(out: Output, report: HealthReport): void {
  out.record(healthRecord(report));
  for (const object of report.worst.slice(0, 10)) {
    out.note(`${object.state}: ${object.name} (spare ${object.spare})`);
  }
  tellSums(out, report);
}

/** Silence that this node has brought about itself is no reason to go and look for a dead machine. */
function tellBanned(out: Output, { silentPeers }: HealthReport, peers: readonly PeerView[]): void {
  for (const { peerId, name, banned } of peers) {
    if (banned && silentPeers.includes(peerId))
      out.note(
        `${name ?? peerId} is banned here: what it holds counts as not reachable (peer unban ${name ?? peerId})`,
      );
  }
}

/** The figures of a census side by side. */
export function healthRecord({ stripes, silentPeers, worst, sums, ...figures }: HealthReport): OutputRecord {
  return {
    ...figures,
    durationMs: Math.round(figures.durationMs),
    stripesLost: stripes.lost,
    stripesSpare0: stripes.spare0,
    stripesSpare1: stripes.spare1,
    stripesSpare2: stripes.spare2,
    stripesSpare3plus: stripes.spare3plus,
    provedWhole: sums?.whole ?? null,
    provedByChunk: sums?.unchecked ?? null,
    provedOpen: sums?.open ?? null,
    silent: silentPeers.length,
    silentPeers,
    worst,
  };
}

/** What a census by proof could not compare. */
export function tellSums(out: Output, { sums }: HealthReport): void {
  if (sums === undefined) return;
  const { unchecked, open } = sums;
  if (unchecked > 0)
    out.note(
      `${unchecked} stripes and manifests are proved by a chunk of each shard alone: too few holders gave sums to compare`,
    );
  if (open > 0)
    out.note(
      `in ${open} stripes and manifests the sums did not fit, and not all of their shards could be read: these count as missing; verify again`,
    );
}

/** What a script wants to know: nothing when every object is whole. */
export function stateExit(report: HealthReport): number | undefined {
  if (report.lost > 0) return EXIT.integrity;
  return report.degraded + report.critical > 0 ? EXIT.partial : undefined;
}
