/** A node works in the background: the programs of this machine's users go first (setting node.priority). */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/** 10: against a program that wants all of a core, a node gets about a tenth of it (sched(7): 1.25 to the power of 10); against none, all. */
export const BACKGROUND_NICE = constants.priority.PRIORITY_BELOW_NORMAL;

/**
 * Lowers the priority of this process. What the system refuses is left as it is: a service manager may have settled it.
 * On Linux a priority is a thread's: those that are there get it here, later ones from the thread that starts them.
 */
export function giveWay(): void {
  for (const thread of threads()) {
    unlessRefused(() => setPriority(thread, Math.max(BACKGROUND_NICE, getPriority(thread))));
  }
  // Where sessions are scheduled as groups (autogroup), a group's own value counts. A session that is not ours holds the user's shell.
  if (leadsSession()) unlessRefused(() => writeFileSync('/proc/self/autogroup', String(BACKGROUND_NICE)));
}

/** 0 is the whole process where priorities are a process's. */
function threads(): number[] {
  if (process.platform !== 'linux') return [0];
  return unlessRefused(() => readdirSync('/proc/self/task').map(Number)) ?? [0];
}

function leadsSession(): boolean {
  if (process.platform !== 'linux') return false;
  // The name in parentheses may hold spaces; after it: state, parent, group, session (proc_pid_stat(5)).
  const stat = unlessRefused(() => readFileSync('/proc/self/stat', 'utf8')) ?? '';
  const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(session) === process.pid;
}

function unlessRefused<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
