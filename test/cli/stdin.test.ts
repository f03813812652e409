import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
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

it.each([
  [['batch'], 'SIGTERM', 143],
  [['batch', '--timeout', '100ms'], undefined, 11],
] as const)(
  '%j whose script does not come ends when it is told to, with %s',
  async (argv, signal, status) => {
    const child = spawn(process.execPath, [LAUNCHER, ...argv], { cwd: cli.folder, env: cli.env });
    const said: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text) => said.push(text));
    child.stdin.on('error', () => {});
    // More than a pipe holds: when it is gone, the script is being read.
    const read = new Promise((resolve) => child.stdin.write(`# ${'x'.repeat(97)}\n`.repeat(9_000), resolve));
    const ended = once(child, 'close');
    await read;
    if (signal !== undefined) child.kill(signal);
    expect(await ended).toEqual([status, null]);
    expect(said.join('')).toMatch(/nothing was run|did not end within 100 ms/);
  },
  60_000,
);

it('a script out of a named pipe is run, and one that nobody writes keeps no process alive', async () => {
  const pipe = `${cli.folder}/script.pipe`;
  execFileSync('mkfifo', [pipe]);
  const run = (...argv: string[]) =>
    spawn(process.execPath, [LAUNCHER, 'batch', '-f', pipe, ...argv], { cwd: cli.folder, env: cli.env });
  const late = run('--timeout', '500ms');
  expect(await once(late, 'close')).toEqual([11, null]);
  const served = run();
  let said = '';
  served.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  const ended = once(served, 'close');
  await writeFile(pipe, 'version\n');
  expect(await ended).toEqual([0, null]);
  expect(said).toMatch(/^version/);
}, 60_000);
