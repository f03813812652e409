/**
 * End to end: a file put and read back through bin/datamesh over six node processes on this machine, on a tmpfs and on
 * disk, beside what moving the same bytes costs other tools in the same run: a plain copy with fsync, `restic backup`
 * and `rclone crypt` where they are installed.
 *
 *   npm run bench:e2e [-- --json] [--size-mib 1024] [--runs 3]
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DemoMesh } from '../src/commands/start/demo/nodes.ts';
import { randomFile, sha256 } from '../test/support/files.ts';
import { peakBytes, resetPeak } from '../test/support/process-memory.ts';
import { withMesh } from './support/mesh.ts';
import { numberOption } from './support/options.ts';
import { cpuSeconds, installed, type Timed, timed } from './support/process.ts';
import { Report } from './support/rows.ts';

const MIB = 2 ** 20;
const LAUNCHER = new URL('../bin/datamesh', import.meta.url).pathname;
const TMPFS = 0x01021994;

const sizeMiB = numberOption('size-mib', 1024);
const runs = numberOption('runs', 3);
const report = new Report('e2e');

for (const [label, folder] of [
  ['tmpfs', '/dev/shm'],
  ['disk', tmpdir()],
] as const) {
  const isTmpfs = statfsSync(folder).type === TMPFS;
  if (isTmpfs !== (label === 'tmpfs')) {
    report.note(`${label}: left out, ${folder} is ${isTmpfs ? 'a tmpfs' : 'no tmpfs'} here`);
    continue;
  }
  await withMesh(folder, (runs + 2) * 2 * sizeMiB * MIB, (mesh, work) => rounds(label, work, mesh));
}
report.end();

async function rounds(label: string, folder: string, mesh: DemoMesh): Promise<void> {
  const file = join(folder, 'file');
  const copy = join(folder, 'copy');
  await randomFile(file, sizeMiB * MIB);
  const coordinator = mesh.nodes[0]!;
  const seconds = new Map<string, number[]>();
  const cpu = new Map<string, number[]>();
  const peak = new Map<string, number[]>();
  const push = (map: Map<string, number[]>, key: string, value: number) =>
    map.set(key, [...(map.get(key) ?? []), value]);

  /** Runs one command; the first round warms up and is not counted. */
  const step = (name: string, round: number, run: () => Timed) => {
    resetPeak(coordinator.pid);
    const before = mesh.nodes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
    const result = run();
    if (result.status !== 0) throw new Error(`${name}: ${result.stderr}`);
    const nodesCpu = mesh.nodes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0) - before;
    if (round === 0) return;
    push(seconds, name, result.seconds);
    push(cpu, name, result.cpuSeconds + (name.startsWith('datamesh') ? nodesCpu : 0));
    if (name.startsWith('datamesh')) push(peak, name, peakBytes(coordinator.pid) / MIB);
  };
  const datamesh = (...argv: string[]) =>
    timed(process.execPath, [LAUNCHER, '--config', coordinator.configPath, ...argv], { HOME: folder });
  const others = otherTools(folder, file);

  for (let round = 0; round <= runs; round++) {
    const name = `file-${round}`;
    rmSync(copy, { force: true });
    step('copy with fsync', round, () =>
      timed('dd', [`if=${file}`, `of=${copy}`, 'bs=4M', 'conv=fsync', 'status=none']),
    );
    step('datamesh put', round, () => datamesh('put', file, '--name', name));
    rmSync(copy, { force: true });
    step('datamesh get', round, () => datamesh('get', name, copy));
    if (round === 0 && (await sha256(copy)) !== (await sha256(file))) throw new Error('get gave other bytes');
    for (const other of others) {
      other.before(round);
      step(`${other.name} put`, round, () => other.put(round));
      step(`${other.name} get`, round, () => other.get(round));
    }
    datamesh('delete', '--purge', '--yes', name);
  }

  const rate = (name: string) => seconds.get(name)!.map((value) => (sizeMiB * MIB) / 1e6 / value);
  const reference = { name: 'copy with fsync', values: rate('copy with fsync') };
  for (const name of seconds.keys()) {
    const row = `${name} ${sizeMiB} MiB, ${label}`;
    report.add(row, rate(name), 'MB/s', name === reference.name ? undefined : reference);
    report.add(`${row}, CPU`, cpu.get(name)!, 's', undefined);
    if (peak.has(name)) report.add(`${row}, peak of the coordinator`, peak.get(name)!, 'MiB', undefined);
  }
}

interface OtherTool {
  name: string;
  /** Clears what the last round left, so that every round does the whole work. */
  before(round: number): void;
  put(round: number): Timed;
  get(round: number): Timed;
}

function otherTools(folder: string, file: string): OtherTool[] {
  const tools: OtherTool[] = [];
  if (installed('restic')) {
    const password = randomBytes(8).toString('hex');
    // A repository of its own for every round: in a second one the same bytes would be found, not stored.
    const repository = (round: number) => join(folder, `restic-${round}`);
    const envOf = (round: number) => ({ RESTIC_REPOSITORY: repository(round), RESTIC_PASSWORD: password });
    const target = join(folder, 'restored');
    tools.push({
      name: 'restic',
      before(round) {
        rmSync(repository(round - 1), { recursive: true, force: true });
        rmSync(target, { recursive: true, force: true });
        timed('restic', ['init', '--no-cache'], envOf(round));
      },
      put: (round) => timed('restic', ['backup', '--no-cache', file], envOf(round)),
      get: (round) => timed('restic', ['restore', '--no-cache', 'latest', '--target', target], envOf(round)),
    });
  } else report.note('restic is not installed: left out');
  if (installed('rclone')) {
    const password = execFileSync('rclone', ['obscure', randomBytes(8).toString('hex')], {
      encoding: 'utf8',
    });
    const env = {
      RCLONE_CONFIG: join(folder, 'rclone.conf'),
      RCLONE_CONFIG_C_TYPE: 'crypt',
      RCLONE_CONFIG_C_REMOTE: join(folder, 'rclone'),
      RCLONE_CONFIG_C_PASSWORD: password.trim(),
    };
    tools.push({
      name: 'rclone crypt',
      // It leaves alone what it takes for the same file.
      before() {
        rmSync(join(folder, 'rclone'), { recursive: true, force: true });
        rmSync(join(folder, 'rclone-copy'), { force: true });
      },
      put: (round) => timed('rclone', ['copyto', file, `c:file-${round}`], env),
      get: (round) => timed('rclone', ['copyto', `c:file-${round}`, join(folder, 'rclone-copy')], env),
    });
  } else report.note('rclone is not installed: left out');
  return tools;
}
