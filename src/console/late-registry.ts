/**
 * The table of commands takes longer to load than the first frame takes to draw. Until it is here nothing is found in it; who runs or completes a line waits
 * for it.
 */
import { createRegistry, type Registry } from '../commands/registry.ts';

export interface LateRegistry extends Registry {
  /** Resolves when all commands are there; the first call begins to load them. */
  whole(): Promise<void>;
}

export function lateRegistry(): LateRegistry {
  let table = createRegistry([]);
  let loading: Promise<void> | undefined;
  const load = async () => {
    table = (await import('../commands/all.ts')).wholeRegistry();
  };
  return {
    get commands() {
      return table.commands;
    },
    find: (words) => table.find(words),
    names: () => table.names(),
    next: (prefix) => table.next(prefix),
    byGroup: () => table.byGroup(),
    whole() {
      loading ??= load();
      return loading;
    },
  };
}
