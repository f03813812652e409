/**
 * The commands a shell asks for all day, each with the one module that has it. A module costs about half a millisecond of
 * processor time to load, and the table of all commands has 140 of them: 75 of the 200 ms that `status` took.
 */
import type { Command } from './command.ts';

/** By every path and synonym of theirs; all are of one word, and no other command's path begins with it (tested). */
export const EVERYDAY: Readonly<Record<string, () => Promise<Command>>> = {
  ...named(['put', 'upload'], async () => (await import('./files/put.ts')).putCommand),
  ...named(['get', 'download'], async () => (await import('./files/get.ts')).getCommand),
  ...named(['cat'], async () => (await import('./files/cat.ts')).catCommand),
  ...named(['list', 'ls', 'll'], async () => (await import('./files/list.ts')).listCommand),
  ...named(['info', 'show', 'stat'], async () => (await import('./files/info.ts')).infoCommand),
  ...named(['search'], async () => (await import('./files/search.ts')).searchCommand),
  ...named(['delete', 'rm'], async () => (await import('./files/delete.ts')).deleteCommand),
  ...named(['status'], async () => (await import('./node/status.ts')).statusCommand),
  ...named(['peers', 'p'], async () => (await import('./network/peers.ts')).peersCommand),
  ...named(['console', 'interactive'], async () => (await import('./start/console.ts')).consoleCommand),
  ...named(['health', 'h'], async () => (await import('./network/health.ts')).healthCommand),
};

/** Undefined for every other word, also for one that is no command. */
export async function everydayCommand(word: string | undefined): Promise<Command | undefined> {
  return word !== undefined && Object.hasOwn(EVERYDAY, word) ? EVERYDAY[word]?.() : undefined;
}

function named(names: readonly string[], load: () => Promise<Command>) {
  return Object.fromEntries(names.map((name) => [name, load]));
}
