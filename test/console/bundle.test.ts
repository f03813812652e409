import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

const DIST = pathToFileURL(resolve(import.meta.dirname, '../../dist')).href;

/** Loads what the console loads to its first frame, and tells which files of the build's console those were. */
const LOADED = `
import { registerHooks } from 'node:module';
const files = [];
registerHooks({ load(url, context, next) {
  const [, name] = /[/]dist[/]((?:console|panels|repl|bundled)[/].*)[.]js$/.exec(url) ?? [];
  if (name !== undefined) files.push(name);
  return next(url, context);
} });
const { runConsole } = await import('${DIST}/console/run.js');
const { leanInk } = await import('${DIST}/console/lean-ink.js');
leanInk();
const { openTerminal } = await import('${DIST}/console/terminal.js');
const { runSession } = await import('${DIST}/console/open-session.js');
const works = [runConsole, openTerminal, runSession].every((it) => typeof it === 'function');
const { cell } = await import('${DIST}/panels/cells.js');
process.stdout.write(JSON.stringify({ works: works && cell('x').text === 'x', files }));
`;

it('a build loads the first frame of the console from a handful of files', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', LOADED], {
    encoding: 'utf8',
  });
  expect(stdout, stderr).not.toBe('');
  const { works, files } = JSON.parse(stdout) as { works: boolean; files: string[] };
  expect(works).toBe(true);
  expect(files).toContain('bundled/console-start');
  expect(files).toContain('bundled/console-screen');
  // Some seventy without the bundle; those left pass on what it has, or are kept apart.
  expect(files.filter((name) => !name.startsWith('bundled/')).length).toBeLessThan(10);
});
