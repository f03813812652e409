/** bin/datamesh where nothing of a checkout is beside it, on a runtime that is too old. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LAUNCHER } from '../support/cli.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dm-launcher-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('sends nobody who has the package to npm install for a newer runtime', () => {
  const old = join(folder, 'old.cjs');
  writeFileSync(
    old,
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '16.20.0' } });",
  );
  mkdirSync(join(folder, 'bin'));
  copyFileSync(LAUNCHER, join(folder, 'bin/datamesh'));
  const run = () =>
    spawnSync(process.execPath, ['-r', old, join(folder, 'bin/datamesh')], { encoding: 'utf8' });
  expect(run()).toMatchObject({ status: 4, stderr: expect.stringContaining('nodejs.org') });
  expect(run().stderr).not.toContain('npm install');
  writeFileSync(join(folder, 'package-lock.json'), '{}');
  expect(run().stderr).toContain(`or run npm install in ${folder}`);
});
