/**
 * A folder of many files backed up, backed up again unchanged, again with a hundredth of it changed, and restored, through bin/datamesh on six node processes (4+2) of this machine, beside restic on the same
 * folder in the same run. `diff -r` and rsync look at what came back.
 *
 *   npm run bench:backup [-- --json] [--files 20000] [--average-bytes 20000] [--runs 3]
 */
import { appendFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DemoMesh } from '../src/commands/start/demo/nodes.ts';
import { makeOddTree, noise, numbers } from '../test/support/odd-tree.ts';
import { differences } from '../test/support/same-tree.ts';
import { withMesh } from './support/mesh.ts';
import { numberOption, textOption } from './support/options.ts';
import { cpuSeconds, installed, type Timed, timed } from './support/process.ts';
import { Report } from './support/rows.ts';

const LAUNCHER = new URL('../bin/datamesh', import.meta.url).pathname;

const files = numberOption('files', 20_000);
const averageBytes = numberOption('average-bytes', 20_000);
const runs = numberOption('runs', 3);
const parent = textOption('folder', '/dev/shm');
const report = new Report('backup');
const figures = new Map<string, number[]>();
const push = (name: string, value: number) => figures.set(name, [...(figures.get(name) ?? []), value]);

await withMesh(parent, (runs + 1) * 4 * files * averageBytes, (mesh, folder) => {
  // A node that runs for days is warm: the first round is of a tenth of the files and not counted.
  for (let round = 0; round <= runs; round++) measure(mesh, folder, round);
  for (const values of figures.values()) values.shift();
});
tell();

function measure(mesh: DemoMesh, folder: string, round: number): void {
  const datamesh = datameshAt(mesh, folder);
  const source = join(folder, 'tree');
  const target = join(folder, 'restored');
  const repository = join(folder, 'restic');
  for (const path of [source, target, repository]) rmSync(path, { recursive: true, force: true });
  makeOddTree(source, { files: round === 0 ? Math.ceil(files / 10) : files, averageBytes, seed: round });
  const restic = installed('restic');
  const env = {
    RESTIC_REPOSITORY: repository,
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: join(folder, 'cache'),
  };
  if (restic) expectDone('restic init', timed('restic', ['init'], env));
  const steps = [
    ['first', () => {}],
    // What has changed just before a backup is read again at the next one: nothing is to be that fresh.
    ['unchanged', () => {}],
    ['1 % changed', () => changeSome(source, round)],
  ] as const;
  // Files of the last tenth of a second are looked at again next time.
  spin(300);
  for (const [name, before] of steps) {
    before();
    spin(300);
    const others = () => mesh.nodes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
    const cpuBefore = others();
    const ran = datamesh('backup', source, '--json');
    const { addedBytes, sizeBytes, durationMs } = JSON.parse(ran.stdout) as Record<string, number>;
    push(`datamesh ${name}, seconds`, ran.seconds);
    push(`datamesh ${name}, in the service`, durationMs! / 1000);
    push(`datamesh ${name}, CPU`, ran.cpuSeconds + others() - cpuBefore);
    push(`datamesh ${name}, sent share`, addedBytes! / sizeBytes!);
    if (!restic) continue;
    const other = expectDone(`restic ${name}`, timed('restic', ['backup', source, '--quiet'], env));
    push(`restic ${name}, seconds`, other.seconds);
    push(`restic ${name}, CPU`, other.cpuSeconds);
  }
  const back = datamesh('restore', 'latest', target, '--json');
  push('datamesh restore, seconds', back.seconds);
  const differ = differences(source, target);
  if (differ !== '') throw new Error(`restored otherwise: ${differ.slice(0, 1000)}`);
  rmSync(target, { recursive: true });
  if (restic) {
    const other = expectDone(
      'restic restore',
      timed('restic', ['restore', 'latest', '--target', target], env),
    );
    push('restic restore, seconds', other.seconds);
  }
}

function datameshAt(mesh: DemoMesh, folder: string) {
  const config = mesh.nodes[0]!.configPath;
  return (...argv: string[]): Timed =>
    expectDone(
      `datamesh ${argv[0]}`,
      timed(process.execPath, [LAUNCHER, '--config', config, ...argv], { HOME: folder }),
    );
}

function expectDone(name: string, result: Timed): Timed {
  if (result.status !== 0) throw new Error(`${name} ended with ${result.status}: ${result.stderr}`);
  return result;
}

/** Every hundredth file gets other bytes, as long as before or a little longer. */
function changeSome(source: string, round: number): void {
  const next = numbers(1000 + round);
  // The odd names are elsewhere: Node's recursive listing knows no bytes but UTF-8.
  const all = readdirSync(source)
    .filter((name) => name.startsWith('group-'))
    .flatMap((name) => readdirSync(join(source, name), { recursive: true, withFileTypes: true }))
    .filter((it) => it.isFile())
    .map((it) => join(it.parentPath, it.name))
    .sort();
  for (let at = 0; at < all.length; at += 100) appendFileSync(all[at]!, noise(next, 1 + (next() % 1000)));
}

function spin(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function tell(): void {
  const of = (name: string) => figures.get(name)!;
  for (const name of ['first', 'unchanged', '1 % changed']) {
    const other = figures.get(`restic ${name}, seconds`);
    const reference = other === undefined ? undefined : { name: 'restic', values: other };
    report.add(`${name}, ${files} files`, of(`datamesh ${name}, seconds`), 's', reference);
    const cpu = figures.get(`restic ${name}, CPU`);
    const cpuReference = cpu === undefined ? undefined : { name: 'restic', values: cpu };
    report.add(`${name}, CPU of all processes`, of(`datamesh ${name}, CPU`), 's', cpuReference);
    report.add(`${name}, in the service`, of(`datamesh ${name}, in the service`), 's');
    report.add(
      `${name}, bytes sent of all`,
      of(`datamesh ${name}, sent share`).map((it) => it * 100),
      '%',
    );
  }
  const other = figures.get('restic restore, seconds');
  report.add(
    'restore',
    of('datamesh restore, seconds'),
    's',
    other === undefined ? undefined : { name: 'restic', values: other },
  );
  if (other === undefined) report.note('restic is not installed: nothing to compare with');
  report.end();
}
