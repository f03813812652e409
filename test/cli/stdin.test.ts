import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CliSetup, cliSetup, LAUNCHER } from '../support/cli.ts';

let cli: CliSetup;
beforeAll(async () => {
  cli = await cliSetup();
});
afterAll(() => cli.close());

it('a folder as standard input is refused, and not stored as an empty file', async () => {
  const script = 'exec "$0" "$1" put - --name x < .';
  const env = { ...cli.env, PATH: process.env.PATH ?? '' };
  const child = spawn('/bin/sh', ['-c', script, process.execPath, LAUNCHER], { cwd: cli.folder, env });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  expect(await once(child, 'close')).toEqual([2, null]);
  expect(said).toMatch(/^error\[DM-2009\]: standard input is a directory; /);
  expect((await cli.engine.list()).objects).toEqual([]);
}, 60_000);
