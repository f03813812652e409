/** Pages that are written by programs are as these would write them now. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

describe.each(['generate-api.mjs', 'generate-licenses.mjs'])('the page of %s', (tool) => {
  it('is what the source says', () => {
    const { status, stderr } = spawnSync(process.execPath, [at(`tools/${tool}`), '--check'], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('dependencies', () => {
  it('are under licences that let everybody use them, from the registry, held by a hash unless they are builds for other platforms', async () => {
    const { dependencies, PERMISSIVE } = await import('../../tools/generate-licenses.mjs');
    const all = dependencies();
    expect(all.length).toBeGreaterThan(50);
    expect(all.filter(({ license }) => !PERMISSIVE.has(license))).toEqual([]);
    expect(
      all.filter(({ fromRegistry, hashed, optional }) => !fromRegistry || !(hashed || optional)),
    ).toEqual([]);
  });
});

describe('docs/THREATS.md', () => {
  it('names tests that are there', () => {
    const named = [
      ...readFileSync(at('docs/THREATS.md'), 'utf8').matchAll(/`((?:test|src|ops)\/[\w./-]+)`/g),
    ].map(([, path]) => path!);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(at(path)))).toEqual([]);
  });
});
