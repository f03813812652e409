import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';
import { MemoryMesh } from '../support/memory-mesh.ts';
import { storedProof } from '../support/stored-proof.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'datamesh-prove-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const objects = [{ name: 'box/a', content: 'a' }];

describe('verify', () => {
  it('wants exactly one choice of objects', async () => {
    const engine = createFakeEngine({ objects });
    expect(await runLine(testHost({ engine }), 'verify')).toBe(2);
    expect(await runLine(testHost({ engine }), 'verify', 'box/a', '--all')).toBe(2);
    expect(await runLine(testHost({ engine }), 'verify', 'nothing')).toBe(8);
    const report = await engine.verify({});
    const whole = { ...report.health, ok: 1, degraded: 0, critical: 0, lost: 0 };
    engine.verify = async () => ({ ...report, health: whole });
    const host = testHost({ engine });
    expect(await runLine(host, 'verify', 'box/a')).toBe(0);
    expect(host.seen.records[0]).toMatchObject({ depth: 'proved', objectsRead: null });
    expect(await runLine(testHost({ engine }), 'verify', '--all', '--deep')).toBe(0);
  });

  it('tells missing, unreadable and refuted apart, by words and by exit status', async () => {
    const engine = createFakeEngine({ objects });
    const report = await engine.verify({ deep: true });
    const degraded = { ...report.health, ok: 0, degraded: 1 };
    engine.verify = async () => ({ ...report, health: degraded });
    expect(await runLine(testHost({ engine }), 'verify', '--all')).toBe(3);
    engine.verify = async () => ({ ...report, health: { ...degraded, lost: 1 } });
    expect(await runLine(testHost({ engine }), 'verify', '--all')).toBe(7);
    const holder = (await engine.peers())[0]!.peerId;
    engine.verify = async () => ({
      ...report,
      failed: [{ holder, name: 'birch', absent: 2, wrong: 3 }],
      deep: {
        objects: 1,
        bytes: 5,
        unreadable: 1,
        worst: [
          {
            name: 'box/a',
            objectId: report.health.worst[0]?.objectId ?? ('0' as never),
            reason: 'it is not what was stored',
          },
        ],
      },
    });
    const host = testHost({ engine });
    expect(await runLine(host, 'verify', '--all', '--deep')).toBe(7);
    expect(host.seen.notes.join('\n')).toMatch(
      /birch gave 3 wrong proofs[\s\S]*birch said that it has 2 shards[\s\S]*unreadable: box\/a/,
    );
  });
});

describe('prove', () => {
  it('writes a file that --check reads without any engine, and refuses one that was changed', async () => {
    const { lines, objectId } = await storedProof(new MemoryMesh(6), 200_000);
    const engine = createFakeEngine({ objects, proof: Buffer.from(lines.join('')) });
    const host = testHost({ engine, cwd: dir });
    expect(await runLine(host, 'prove', 'box/a')).toBe(0);
    expect(host.seen.records[0]).toMatchObject({ objectId, state: 'ok', spare: 2, holderCount: 6 });
    expect(host.seen.notes.join('\n')).toMatch(/^proved: [\s\S]*9 of 9 shards[\s\S]*not proved: /);
    expect(await readdir(dir)).toEqual(['a.proof']);
    expect(await runLine(testHost({ engine, cwd: dir }), 'prove', 'box/a')).toBe(6);

    const alone = testHost({ cwd: dir });
    expect(await runLine(alone, 'prove', '--check', 'a.proof')).toBe(0);
    const file = join(dir, 'a.proof');
    const text = await readFile(file, 'utf8');
    await writeFile(file, `${text.split('\n').slice(0, 3).join('\n')}\n`);
    expect(await runLine(testHost({ cwd: dir }), 'prove', '--check', 'a.proof')).toBe(7);
    await writeFile(file, text.replace('"signedAtMs":17', '"signedAtMs":18'));
    const changed = testHost({ cwd: dir });
    expect(await runLine(changed, 'prove', '--check', 'a.proof')).toBe(7);
    expect(changed.seen.errors[0]).toMatchObject({ code: 'not-authentic' });
  });

  it('ends with one clear error for what cannot be', async () => {
    const engine = createFakeEngine({ objects });
    expect(await runLine(testHost({ engine, cwd: dir }), 'prove')).toBe(2);
    const missing = testHost({ cwd: dir });
    expect(await runLine(missing, 'prove', '--check', 'none')).toBe(8);
    expect(missing.seen.errors).toMatchObject([
      { message: `there is no file ${join(dir, 'none')}`, mend: expect.stringMatching(/check the path/) },
    ]);
    expect(await runLine(testHost({ cwd: dir }), 'prove', '--check', '.')).toBe(2);
    expect(await runLine(testHost({ engine, cwd: dir }), 'prove', 'box/a', '--check', 'x')).toBe(2);
    expect(await runLine(testHost({ engine, cwd: dir }), 'prove', '--check', 'missing')).toBe(8);
    expect(await runLine(testHost({ engine, cwd: dir }), 'prove', '--check', '.')).not.toBe(0);
    expect(await runLine(testHost({ engine, cwd: dir }), 'prove', 'box/a', '--dry-run')).toBe(0);
    expect(await readdir(dir)).toEqual([]);
  });
});
