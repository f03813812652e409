/** Runs seeds in this process, which is the simulator's own from then on. */
import { forbidReality } from './forbid-reality.ts';
import { pipeSink } from './frames.ts';
import { rememberSignatures } from './remembered-signatures.ts';
import { Turns } from './turns.ts';
import { type RunReport, World } from './world.ts';

export interface SeedToRun {
  seed: number;
  nodes?: number | undefined;
  steps: number;
  strict?: boolean | undefined;
  cleanup?: boolean | undefined;
  plain?: boolean | undefined;
}

export interface RunSeedsOptions {
  trace: boolean;
  untilFound: boolean;
  /** For a watcher at the other end of the pipes. */
  feed?: boolean;
}

/** Of some seeds together. */
export interface Sums {
  seeds: number;
  violations: number;
  virtualMs: number;
  /** Of the processor, all processes together. */
  cpuMs: number;
  tookMs: number;
}

/** Begins the last line of every process, for whoever started several. */
export const SUMS = 'SUMS ';

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function commandOf({ seed, nodes, steps, ...flags }: SeedToRun): string {
  const set = (['strict', 'cleanup', 'plain'] as const).filter((flag) => flags[flag] === true);
  const more = `${nodes === undefined ? '' : ` --nodes ${nodes}`}${set.map((flag) => ` --${flag}`).join('')}`;
  return `npm run sim -- --seed ${seed}${more} --steps ${steps} --trace`;
}

/** Returns the number of violations. */
export async function runSeeds(seeds: readonly SeedToRun[], options: RunSeedsOptions): Promise<number> {
  const turns = new Turns();
  turns.install();
  rememberSignatures();
  const realNow = forbidReality();
  const startedMs = realNow();
  const watch = options.feed ? pipeSink() : undefined;
  const sums: Sums = { seeds: 0, violations: 0, virtualMs: 0, cpuMs: 0, tookMs: 0 };
  for (const one of seeds) {
    const beganMs = realNow();
    const report = await new World({ ...one, turns, watch, write: options.trace ? say : undefined }).run();
    sums.seeds++;
    sums.virtualMs += report.virtualMs;
    say(lineOf(report, realNow() - beganMs));
    if (report.violation === undefined) continue;
    sums.violations++;
    say(`  VIOLATION ${report.violation.message}\n  ${commandOf(one)}`);
    if (options.untilFound) break;
  }
  if (options.feed) process.stdin.destroy();
  const { user, system } = process.cpuUsage();
  sums.cpuMs = (user + system) / 1000;
  sums.tookMs = realNow() - startedMs;
  say(SUMS + JSON.stringify(sums));
  say(sentence(sums));
  return sums.violations;
}

function lineOf({ seed, hash, nodes, counts, events, virtualMs }: RunReport, tookMs: number): string {
  const { put, get, delete: deleted, cleanup, swept, failed } = counts;
  const cleaned = cleanup === 0 ? '' : ` ${cleanup} cleanups that swept ${swept},`;
  return (
    `seed ${seed} ${hash}: ${nodes} nodes, ${put} puts, ${get} gets, ${deleted} deletes,${cleaned} ${failed} of them failed; ` +
    `${events} events in ${(virtualMs / 1000).toFixed(0)} s, ${(tookMs / 1000).toFixed(2)} s real`
  );
}

/** On a busy machine the processor's time tells more than the clock. */
export function sentence({ seeds, violations, virtualMs, cpuMs, tookMs }: Sums): string {
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  return (
    `${seeds} seeds, ${violations} violations in ${seconds(tookMs)} s, ${(virtualMs / tookMs).toFixed(0)} × real time; ` +
    `${seconds(cpuMs)} s of one processor, ${seconds(cpuMs / seeds)} a seed, ${(virtualMs / cpuMs).toFixed(0)} × real time`
  );
}
