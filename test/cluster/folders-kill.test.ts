/**
 * SIGKILL in the middle of backup and sync, the node in the killed process included: the catalog opens, what is visible is whole, and the same command finishes the work.
 * A few points here; `npm run test:folders:kill` does many.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blake3 } from '../../src/engine/codec/hash.ts';
import { bytesToHex } from '../../src/engine/types.ts';
import { type CliResult, type RunOptions, runCli } from '../support/cli.ts';
import { makeOddTree, noise, numbers } from '../support/odd-tree.ts';
import { differences } from '../support/same-tree.ts';

const kills = Number(process.env.FOLDER_KILLS ?? 2);
/** Two commands and two checks a kill, on a machine that does other things as well. */
const MS_PER_KILL = 60_000;

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);
const run = (argv: readonly string[], options: RunOptions = {}): Promise<CliResult> =>
  runCli(argv, {
    cwd: folder,
    timeoutMs: 120_000,
    ...options,
    env: { HOME: folder, TMPDIR: folder, DATAMESH_CONFIG: at('etc/config.json') },
  });
const ok = async (argv: readonly string[]): Promise<string> => {
  const result = await run(argv);
  expect(result.status, result.stderr).toBe(0);
  return result.stdout;
};
const lines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Runs a command and kills it after `afterMs`. Whether it was still running. */
async function killed(argv: readonly string[], afterMs: number): Promise<boolean> {
  const result = await run(argv, {
    started: (child) => void setTimeout(() => child.kill('SIGKILL'), afterMs),
  });
  return result.signal === 'SIGKILL';
}

/** From when the command has just begun to when it is nearly done, spread over the points. */
const shareOf = (point: number): number => 0.25 + (0.7 * (point + 0.5)) / kills;

async function timed(argv: readonly string[]): Promise<{ tookMs: number; stdout: string }> {
  const startedMs = performance.now();
  const stdout = await ok(argv);
  return { tookMs: performance.now() - startedMs, stdout };
}

beforeAll(async () => {
  folder = fs.mkdtempSync(join(tmpdir(), 'dm-folders-kill-'));
  const data = ['--data-dir', at('data'), '--redundancy', 'small'];
  await ok(['init', '--yes', '--quota', '2GiB', '--reserve', '0', ...data]);
  // A node by itself with three folders for disks: every put is whole, and the killed process is the node.
  const disks = ['a', 'b', 'c'].flatMap((name) => {
    fs.mkdirSync(at(`disk-${name}`));
    return ['--dir', at(`disk-${name}`)];
  });
  await ok(['pool', 'create', 'p', '--code', '2+1', '--domain', 'disk', '--separate-disks', ...disks]);
}, MS_PER_KILL);
afterAll(() => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

describe('a kill', () => {
  it(
    'of backup leaves whole snapshots alone, and the next run finishes',
    async () => {
      const next = numbers(11);
      makeOddTree(at('tree'), { files: 80, averageBytes: 200_000 });
      const backup = ['backup', at('tree'), '--pool', 'p', '--json'];
      let wholeMs = (await timed(backup)).tookMs;
      let interrupted = 0;
      let adopted = 0;
      for (let point = 0; point < kills; point++) {
        for (let i = 0; i < 40; i++)
          fs.writeFileSync(at('tree/group-0/folder-0', `file-${i}.bin`), noise(next, next() % 2_000_000));
        const before = lines(await ok(['snapshots', '--json'])).length;
        if (await killed(backup, wholeMs * shareOf(point))) interrupted++;
        const after = lines(await ok(['snapshots', '--json'])).length;
        expect([before, before + 1]).toContain(after);
        if (after > before) await restoresAsTree();
        const { tookMs, stdout } = await timed(backup);
        // The machine's mood changes, so each run says how long the next one may take.
        wholeMs = tookMs;
        const report = lines(stdout)[0]!;
        adopted += report.packsAdopted as number;
        await restoresAsTree();
      }
      process.stdout.write(
        `${interrupted} of ${kills} backups were interrupted, ${adopted} packs found again\n`,
      );
      expect(interrupted).toBeGreaterThan(0);
    },
    MS_PER_KILL * kills,
  );

  async function restoresAsTree(): Promise<void> {
    const report = lines(await ok(['restore', 'latest', at('back'), '--json']))[0]!;
    expect(report.failedCount).toBe(0);
    expect(differences(at('tree'), at('back'))).toBe('');
    fs.rmSync(at('back'), { recursive: true });
  }

  it(
    'of sync leaves whole files on both sides, and the next run finishes',
    async () => {
      const next = numbers(12);
      /** Every content that a path ever had. */
      const known = new Map<string, Set<string>>();
      const write = (path: string) => {
        const bytes = noise(next, next() % 1_500_000);
        fs.writeFileSync(at('one', path), bytes);
        known.set(path, (known.get(path) ?? new Set()).add(bytesToHex(blake3(bytes))));
      };
      const check = async () => {
        const stored = lines(await ok(['list', 'm/', '--json']));
        for (const { name, contentHash } of stored)
          expect(known.get((name as string).slice(2)), name as string).toContain(contentHash);
        for (const side of ['one', 'two'])
          for (const path of fs.readdirSync(at(side)).filter((it) => it !== '.datamesh-sync'))
            expect(known.get(path), `${side}/${path}`).toContain(
              bytesToHex(blake3(fs.readFileSync(at(side, path)))),
            );
      };
      const sync = (side: string) => [
        'sync',
        at(side),
        '--to',
        'm',
        '--bidirectional',
        '--max-delete',
        '100',
        '--pool',
        'p',
        '--json',
      ];
      for (const side of ['one', 'two']) fs.mkdirSync(at(side));
      for (let i = 0; i < 30; i++) write(`file ${i}`);
      let wholeMs = (await timed(sync('one'))).tookMs;
      await ok(sync('two'));
      let interrupted = 0;
      for (let point = 0; point < kills; point++) {
        for (let i = 0; i < 20; i++) write(`file ${(point + i) % 30}`);
        fs.rmSync(at('one', `file ${(point + 25) % 30}`), { force: true });
        for (const side of ['one', 'two']) {
          if (await killed(sync(side), wholeMs * shareOf(point))) interrupted++;
          await check();
          wholeMs = (await timed(sync(side))).tookMs;
          await check();
        }
        const only = fs.readdirSync(at('one')).filter((it) => it !== '.datamesh-sync');
        expect(fs.readdirSync(at('two')).filter((it) => it !== '.datamesh-sync')).toEqual(only);
        for (const path of only)
          expect(fs.readFileSync(at('two', path)).equals(fs.readFileSync(at('one', path)))).toBe(true);
      }
      process.stdout.write(`${interrupted} of ${2 * kills} syncs were interrupted\n`);
      expect(interrupted).toBeGreaterThan(0);
    },
    MS_PER_KILL * 2 * kills,
  );
});
