/** CPU time of processes by thread, from /proc (Linux; empty elsewhere): what holds where wall time does not, on a busy machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second, USER_HZ: 100 on every Linux that Node runs on. */
const TICKS = 100;

/** CPU seconds by the threads' names; threads of one name are summed. */
export type ThreadCpu = Map<string, number>;

/** Of all processes together, so far. */
export function threadCpu(pids: readonly number[]): ThreadCpu {
  const sum: ThreadCpu = new Map();
  for (const pid of pids) {
    const tasks = `/proc/${pid}/task`;
    if (!existsSync(tasks)) continue;
    for (const task of readdirSync(tasks)) {
      const stat = statOf(`${tasks}/${task}/stat`);
      if (stat === undefined) continue;
      // The name may hold spaces and brackets: fields count from behind its last one.
      const close = stat.lastIndexOf(')');
      const name = stat.slice(stat.indexOf('(') + 1, close);
      const fields = stat.slice(close + 2).split(' ');
      sum.set(name, (sum.get(name) ?? 0) + (Number(fields[11]) + Number(fields[12])) / TICKS);
    }
  }
  return sum;
}

/** What was spent between two looks. A thread that ended meanwhile counts no more. */
export function spent(before: ThreadCpu, after: ThreadCpu): ThreadCpu {
  const difference: ThreadCpu = new Map();
  for (const [name, seconds] of after) {
    const more = seconds - (before.get(name) ?? 0);
    if (more > 0) difference.set(name, more);
  }
  return difference;
}

/** A thread may end between the listing and the look at it. */
function statOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
