import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { isStrayNetworkError } from '../../../src/engine/effects/stray-errors.ts';

const MODULE = new URL('../../../src/engine/effects/stray-errors.ts', import.meta.url).pathname;

function withStack(...frames: string[]): Error {
  const error = new Error('reset');
  error.stack = `Error: reset\n${frames.map((frame) => `    at ${frame}`).join('\n')}`;
  return error;
}

test('the first frame of a package tells whose error it is', () => {
  expect(
    isStrayNetworkError(
      withStack(
        'f (file:///a/node_modules/@libp2p/utils/dist/x.js:1:1)',
        'g (file:///a/dist/engine/local.js:1:1)',
      ),
    ),
  ).toBe(true);
  expect(
    isStrayNetworkError(
      withStack('emit (node:events:1:1)', 'f (file:///a/node_modules/libp2p/dist/x.js:1:1)'),
    ),
  ).toBe(true);
  expect(
    isStrayNetworkError(
      withStack('g (file:///a/dist/engine/local.js:1:1)', 'f (file:///a/node_modules/libp2p/dist/x.js:1:1)'),
    ),
  ).toBe(false);
  expect(isStrayNetworkError(withStack('emit (node:events:1:1)'))).toBe(false);
  expect(isStrayNetworkError('reset')).toBe(false);
});

function run(body: string) {
  const code = `import { tolerateStrayRejections } from ${JSON.stringify(MODULE)}; tolerateStrayRejections((text) => console.log(text)); ${body}; setTimeout(() => console.log('alive'), 100);`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
}

test('a network library’s rejection is told and survived; one of ours ends the process', () => {
  const stray = run(
    "const e = new Error('reset by peer'); e.stack = 'Error\\n    at f (/x/node_modules/@libp2p/tcp/dist/index.js:1:1)'; Promise.reject(e)",
  );
  expect(stray.stdout).toContain('a network error nobody waited for: Error: reset by peer');
  expect(stray.stdout).toContain('alive');
  expect(stray.status).toBe(0);
  const own = run("Promise.reject(new Error('our defect'))");
  expect(own.status).not.toBe(0);
  expect(own.stderr).toContain('our defect');
  expect(own.stdout).not.toContain('alive');
});
