import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  conflictName,
  isTimeToKeep,
  isWithin,
  stepOf,
  tooManyDeletions,
} from '../../../../src/commands/folders/sync/plan.ts';

const content = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined });
const sides = fc.record({ base: content, local: content, remote: content });

describe('the plan of a sync', () => {
  it.each([
    // base, local, remote, one way, both ways
    [undefined, 'a', undefined, 'upload', 'upload'],
    [undefined, undefined, 'a', 'leave', 'download'],
    [undefined, 'a', 'b', 'upload', 'conflict'],
    [undefined, 'a', 'a', 'same', 'same'],
    ['a', 'a', 'a', 'same', 'same'],
    ['a', 'b', 'a', 'upload', 'upload'],
    ['a', 'a', 'b', 'upload', 'download'],
    ['a', 'b', 'c', 'upload', 'conflict'],
    ['a', undefined, 'a', 'delete-remote', 'delete-remote'],
    ['a', 'a', undefined, 'upload', 'delete-local'],
    ['a', undefined, 'b', 'delete-remote', 'download'],
    ['a', 'b', undefined, 'upload', 'upload'],
    ['a', undefined, undefined, 'same', 'same'],
  ] as const)('base %s, folder %s, mesh %s: %s, or %s', (base, local, remote, oneWay, bothWays) => {
    expect(stepOf({ base, local, remote }, false)).toBe(oneWay);
    expect(stepOf({ base, local, remote }, true)).toBe(bothWays);
  });

  it('knows what lies in what cannot be looked at, be it a hundred thousand paths among as many', () => {
    const links = Array.from({ length: 100_000 }, (_, i) => `links/deep/${i}`);
    const unknown = new Set([...links, 'closed']);
    const startedMs = performance.now();
    // One after another they were 10 billion comparisons.
    expect(links.filter((path) => isWithin(unknown, `${path}/in`)).length).toBe(links.length);
    expect(links.filter((path) => isWithin(unknown, `${path}x`)).length).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(['closed', 'closed/a/b', 'closedx', 'links'].map((path) => isWithin(unknown, path))).toEqual([
      ...[true, true, false, false],
    ]);
    expect(isWithin(new Set(['']), 'any')).toBe(true);
  });

  it('deletes only what was the same on both sides once, and both ways never what has changed since', () => {
    fc.assert(
      fc.property(sides, fc.boolean(), (it, bidirectional) => {
        const step = stepOf(it, bidirectional);
        if (step === 'delete-local') expect(it).toMatchObject({ local: it.base, remote: undefined });
        if (step === 'delete-remote') expect(it.base).toBeDefined();
        if (bidirectional && step === 'delete-remote') expect(it.remote).toBe(it.base);
        // Content that one side alone has is never overwritten both ways.
        if (bidirectional && step === 'upload') expect([it.base, undefined]).toContain(it.remote);
        if (bidirectional && step === 'download') expect([it.base, undefined]).toContain(it.local);
        if (!bidirectional) expect(['download', 'delete-local', 'conflict']).not.toContain(step);
      }),
    );
  });

  it('asks for leave beyond the share, and a few files are no share', () => {
    expect(tooManyDeletions(5, 5, 0)).toBe(false);
    expect(tooManyDeletions(6, 6, 25)).toBe(true);
    expect(tooManyDeletions(25, 100, 25)).toBe(false);
    expect(tooManyDeletions(26, 100, 25)).toBe(true);
  });

  it('names conflicts beside the file, with its extension', () => {
    const at = Date.UTC(2026, 10, 21, 10, 30, 5);
    expect(conflictName('a.b/c.tar.gz', at, 'n')).toBe('a.b/c.tar (conflict 2026-11-21 10.30.05 n).gz');
    expect(conflictName('a.b/.hidden', at, 'n')).toBe('a.b/.hidden (conflict 2026-11-21 10.30.05 n)');
    expect(conflictName('plain', at, 'n')).toBe('plain (conflict 2026-11-21 10.30.05 n)');
  });

  it('names conflicts of long names within what a name may be, each in its own way', () => {
    const node = 'n'.repeat(63);
    const long = [
      'x'.repeat(251),
      'ü'.repeat(120),
      '🙂'.repeat(60),
      `${'x'.repeat(250)}y`,
      `a.${'b'.repeat(253)}`,
    ];
    const names = long.map((name) => conflictName(`d.d/${name}.txt`.slice(0, 300), 0, node));
    for (const name of names) {
      expect(Buffer.byteLength(name.slice('d.d/'.length))).toBeLessThanOrEqual(255);
      expect(name).toContain(`(conflict 1970-01-01 00.00.00 ${node})`);
      expect(name.isWellFormed()).toBe(true);
    }
    expect(names[1]).toMatch(/^d\.d\/ü+~[0-9a-f]{8} \(.*\.txt$/);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('notes of a pass that runs', () => {
  it('are written every so often, and in sum are not many times what they hold', () => {
    for (const files of [1_000, 100_000]) {
      let [last, writes, written] = [0, 0, 0];
      for (let done = 1; done <= files; done++) {
        if (!isTimeToKeep(done - last, done)) continue;
        expect(done - last).toBeLessThanOrEqual(Math.max(200, done / 8));
        last = done;
        writes++;
        written += done;
      }
      expect(writes).toBeGreaterThan(3);
      expect(written).toBeLessThan(files * 12);
    }
  });
});
