/** How the demo tells what it does: lines with times for people, one record per step for programs. */
import type { HealthReport } from '../../../engine/engine.ts';
import type { Context, OutputRecord } from '../../command.ts';

export interface Teller {
  /** Runs one step, times it, and tells its outcome: a line, further lines, and facts for JSON. */
  step<T>(name: string, task: () => Promise<T>, outcome: (result: T, ms: number) => Outcome): Promise<T>;
}

export interface Outcome {
  line: string;
  more?: string[];
  facts: OutputRecord;
}

const NAME_WIDTH = 9;

export function teller({ out, options }: Context): Teller {
  return {
    async step(name, task, outcome) {
      const startMs = performance.now();
      const result = await task();
      const ms = performance.now() - startMs;
      const { line, more, facts } = outcome(result, ms);
      if (options.json) out.record({ step: name, ms: Math.round(ms), ...facts });
      else {
        out.note(`${name.padEnd(NAME_WIDTH)} ${seconds(ms).padStart(8)}  ${line}`);
        for (const extra of more ?? []) out.note(`${' '.repeat(NAME_WIDTH + 11)}${extra}`);
      }
      return result;
    },
  };
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} ${units[unit]}`;
}

export function rate(bytes: number, ms: number): string {
  const megabytes = bytes / 1e6 / (ms / 1000);
  return `${megabytes < 10 ? Number(megabytes.toPrecision(2)) : megabytes.toFixed(0)} MB/s`;
}

export function healthOutcome(report: HealthReport, nameOf: (peerId: string) => string): Outcome {
  const { objects, ok, degraded, critical, lost, shardsLive, shardsExpected, silentPeers } = report;
  const states = Object.entries({ ok, degraded, critical, lost }).filter(([, count]) => count > 0);
  const silent = silentPeers.map(nameOf);
  return {
    line:
      `${states.map(([state, count]) => `${count} of ${objects} objects ${state}`).join(', ')}; ` +
      `${shardsLive} of ${shardsExpected} shards answer`,
    more: silent.length === 0 ? [] : [`silent: ${silent.join(', ')}`],
    facts: { objects, ok, degraded, critical, lost, shardsLive, shardsExpected, silent },
  };
}
