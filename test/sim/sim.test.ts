import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** The simulator takes over its process, so it has one of its own. */
function sim(...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args]);
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

const hashesIn = (output: string) =>
  [...output.matchAll(/^seed (\d+) ([0-9a-f]{16}):/gm)].map((hit) => `${hit[1]} ${hit[2]}`);

test('a seed replays byte for byte, alone or after others', { timeout: 240_000 }, async () => {
  const [several, alone] = await Promise.all([
    sim('--seed', '5', '--seeds', '3', '--steps', '40'),
    sim('--seed', '7', '--steps', '40'),
  ]);
  expect(hashesIn(several.output)).toHaveLength(3);
  expect(hashesIn(several.output).at(-1)).toBe(hashesIn(alone.output)[0]);
  expect(new Set(hashesIn(several.output)).size).toBe(3);
});

test('a sample of seeds, and those of mended bugs, violate nothing', { timeout: 400_000 }, async () => {
  const sample = await sim('--seed', '1', '--seeds', '12', '--jobs', '2');
  expect(sample.output).toContain('12 seeds, 0 violations');
  expect(sample.code).toBe(0);
  const corpus = await sim('--corpus', '--jobs', '2');
  expect(corpus.output).toContain(' 0 violations');
  expect(corpus.code).toBe(0);
});
