/** What the system says of processes: CPU seconds, from /proc (Linux; zero elsewhere). */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Clock ticks a second, USER_HZ: 100 on every Linux that Node runs on. */
const TICKS = 100;

/** User and system time of a process so far, in seconds. */
export function cpuSeconds(pid: number): number {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return 0;
  // The command name may hold spaces: fields count from behind its bracket.
  const fields = readFileSync(path, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

export interface Timed {
  seconds: number;
  cpuSeconds: number;
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end; its CPU time is that of all its children as the system accounts them. */
export function timed(command: string, args: readonly string[], env: Record<string, string> = {}): Timed {
  const startedMs = performance.now();
  const cpuBefore = childrenCpu();
  const result = spawnSync(command, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return {
    seconds: (performance.now() - startedMs) / 1000,
    cpuSeconds: childrenCpu() - cpuBefore,
    status: result.status,
    stdout: result.stdout ?? '',
    stderr: result.stderr ?? String(result.error),
  };
}

/** CPU seconds of this process's ended children (fields cutime and cstime). */
function childrenCpu(): number {
  const path = '/proc/self/stat';
  if (!existsSync(path)) return 0;
  const fields = readFileSync(path, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS;
}

export function installed(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}
