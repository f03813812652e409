import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const ENTRY = resolve(import.meta.dirname, 'lean-ink-entry.ts');

it('takes one function of es-toolkit instead of the whole, and Ink is there all the same', () => {
  const load = (how: string) => {
    const { stdout, stderr } = spawnSync(process.execPath, [ENTRY, how], { encoding: 'utf8' });
    expect(stdout, stderr).not.toBe('');
    return JSON.parse(stdout) as { files: number; works: boolean };
  };
  const lean = load('lean');
  expect(lean.works).toBe(true);
  expect(lean.files).toBeLessThan(20);
  expect(load('whole').files).toBeGreaterThan(lean.files);
});
