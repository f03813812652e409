/** The independent checker (tools/check-shards.mjs) beside `health --proved` of the same mesh. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from './cluster.ts';

const CHECKER = new URL('../../tools/check-shards.mjs', import.meta.url).pathname;

export interface Checked {
  /** The checker's exit status: 1 when a figure differs. */
  status: number;
  found: {
    [figure: string]: unknown;
    objects: number;
    ok: number;
    lost: number;
    shardsLive: number;
    differs: unknown[];
    each: { name: string; state: string; spare: number }[];
    disks: { rotten: string[] }[];
  };
  told: Record<string, unknown>;
}

/** What the disks say of the objects that were listed last. @param folders of the living nodes, and of folder pools */
export function checkDisks(
  cluster: Cluster,
  folders: readonly string[],
  options: readonly string[],
): Promise<Pick<Checked, 'status' | 'found'>> {
  const argv = ['--objects', join(cluster.folder, 'objects.json'), ...options, ...folders];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [CHECKER, ...argv], { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (stdout === '') return reject(new Error(stderr));
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, found: JSON.parse(stdout) });
    });
  });
}

/** What the disks of the living say, held against what the first node says. The mesh heals meanwhile: what has moved under the look is looked at again. */
export async function compareDisks(cluster: Cluster, folders: readonly string[]): Promise<Checked> {
  const ask = async () => (await cluster.ok(0, ['health', '--proved', '--json'])).stdout;
  const figures = (text: string) => ({ ...JSON.parse(text), takenAtMs: 0, durationMs: 0, worst: [] });
  writeFileSync(join(cluster.folder, 'objects.json'), (await cluster.ok(0, ['list', '--json'])).stdout);
  for (;;) {
    const told = await ask();
    writeFileSync(join(cluster.folder, 'health.json'), told);
    const checked = await checkDisks(cluster, folders, ['--compare', join(cluster.folder, 'health.json')]);
    if (isDeepStrictEqual(figures(told), figures(await ask()))) return { ...checked, told: JSON.parse(told) };
  }
}
