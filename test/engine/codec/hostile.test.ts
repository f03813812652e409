import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { hostileManifests } from './hostile-manifests.ts';

const entry = fileURLToPath(new URL('./hostile-entry.ts', import.meta.url));
const MIB = 1024 * 1024;

describe('a hostile manifest', () => {
  it.each(hostileManifests())('$name costs at most 64 MiB and a second', ({ make, outcome }) => {
    const stdout = execFileSync(process.execPath, [entry], { input: make(), encoding: 'utf8' });
    const cost = JSON.parse(stdout) as { outcome: string; tookMs: number; costBytes: number };
    expect(cost.outcome).toBe(outcome);
    expect(cost.tookMs).toBeLessThan(1000);
    expect(cost.costBytes).toBeLessThan(64 * MIB);
  });
});
