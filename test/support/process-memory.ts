/** What Linux says of a process's memory, from /proc. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** In RAM now (VmRSS), in bytes; zero where there is no /proc. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

/** The most that was in RAM at once since it started or since `resetPeak` (VmHWM), in bytes; zero where there is no /proc. */
export function peakBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM');
}

/** Starts a new peak. */
export function resetPeak(pid: number): void {
  if (existsSync(`/proc/${pid}/clear_refs`)) writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Throws when the process has ended. */
function statusBytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  if (!existsSync('/proc/self/status')) return 0;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
}
