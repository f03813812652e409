/**
 * A node on a real disk, killed with SIGKILL while it puts, deletes, brings back, renames, copies and tags: what was acknowledged is there, what was cut short is there wholly or not at
 * all, every byte reads back, and the same step again ends it. NAME_KILLS=200 for the long run (npm run test:catalog:kill).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { seeded } from '../shardstore/shards.ts';
import { applied, type NamesState, type Step } from './names-model.ts';

const KILLS = Number(process.env.NAME_KILLS ?? 6);
const ENTRY = join(import.meta.dirname, 'names-entry.ts');
const LIFE_WITHIN_MS = 60_000;

interface Line {
  lie?: unknown;
  ready?: NamesState;
  step?: Step;
  done?: true;
}

/** In turn, so that the quick ones are met as often as the long ones. */
const KINDS: readonly Step['do'][] = [
  'put',
  'purge',
  'rename',
  'hide',
  'put',
  'purge',
  'rename',
  'copy',
  'tag',
  'undelete',
];

/** One life on the folder: killed within a step of its kind, if such a one begins at all, at most some milliseconds after it began. */
async function live(dir: string, seed: number, told: { state: NamesState; step: Step | null }) {
  const fraction = seeded(seed * 31 + 7);
  const child = spawn(process.execPath, [ENTRY, dir, String(seed)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const hung = setTimeout(() => child.kill('SIGUSR2'), LIFE_WITHIN_MS);
  child.stdin.end(JSON.stringify(told));
  const kind = KINDS[seed % KINDS.length]!;
  const longMs = kind === 'put' ? 15 : kind === 'purge' ? 10 : 3;
  let steps = 0;
  let dying = false;
  let { state, step } = told;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line;
    if (line.lie !== undefined) throw new Error(`life ${seed}: ${JSON.stringify(line.lie)}`);
    if (line.ready !== undefined) [state, step] = [line.ready, null];
    if (line.step !== undefined) step = line.step;
    if (line.done) [state, step] = [applied(state, step!)!, null];
    if (line.step === undefined || dying) continue;
    steps++;
    if ((line.step.do !== kind || fraction() < 0.5) && steps < 60) continue;
    dying = true;
    const delayMs = fraction() * longMs;
    if (delayMs < 1) child.kill('SIGKILL');
    else setTimeout(() => child.kill('SIGKILL'), delayMs);
  }
  const signal = child.signalCode ?? ((await once(child, 'exit')) as [unknown, string])[1];
  clearTimeout(hung);
  expect(signal, `life ${seed}`).toBe('SIGKILL');
  return { state, step };
}

test(
  `${KILLS} kills lose nothing and leave nothing half done`,
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'datamesh-kill-'));
    const cut = new Map<string, number>();
    try {
      let told: Awaited<ReturnType<typeof live>> = { state: {}, step: null };
      for (let seed = 1; seed <= KILLS + 1; seed++) {
        told = await live(dir, seed, told);
        if (told.step !== null) cut.set(told.step.do, (cut.get(told.step.do) ?? 0) + 1);
      }
      process.stdout.write(`killed in ${JSON.stringify(Object.fromEntries(cut))}\n`);
      // Most of the time it is in a step.
      expect([...cut.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(KILLS / 3);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
  (KILLS + 2) * LIFE_WITHIN_MS,
);
