/** Whether running a command twice is another thing than running it once: it changes the mesh or this node, or writes a file. */
import type { Command } from '../commands/command.ts';

export function leavesTraces({ effects, args, options }: Command): boolean {
  return effects !== 'reads' || [...args, ...options].some(({ type }) => type?.kind === 'path');
}
