/** Completion for the prompt: the command language's, fed by this engine's names. Slow sources give nothing rather than a pause. */
import { placesOf } from '../commands/network/places.ts';
import type { Registry } from '../commands/registry.ts';
import { CONFIG_FIELDS } from '../config/fields.ts';
import type { Engine } from '../engine/engine.ts';
import { type CompletionSources, complete } from '../lang/complete.ts';
import { completePath } from '../lang/complete-paths.ts';
import type { Completion } from '../repl/prompt-state.ts';
import type { LateRegistry } from './late-registry.ts';

/** Longer than this and a person has typed on (ux.md D.5 asks for 100 ms where the names are at hand). */
const SOURCE_MS = 300;
const MAX_NAMES = 200;

export type Completer = (text: string, caret: number, engine: Engine | undefined) => Promise<Completion>;

export function completer(registry: Registry | LateRegistry, cwd: string): Completer {
  return async (text, caret, engine) => {
    if ('whole' in registry) await registry.whole();
    const found = await complete(text, caret, { registry, sources: sourcesOf(engine, cwd) });
    const items = found.items.map((item) => ({
      text: item.insert,
      note: item.summary === '' ? undefined : item.summary,
    }));
    return { start: found.start, end: found.end, items };
  };
}

function sourcesOf(engine: Engine | undefined, cwd: string): CompletionSources {
  const local: CompletionSources = {
    paths: (prefix) => completePath(prefix, cwd),
    configKeys: async () => CONFIG_FIELDS.map(({ key }) => ({ value: key })),
  };
  if (engine === undefined) return local;
  return {
    ...local,
    objects: (prefix) =>
      inTime(async () => {
        const { objects } = await engine.list({ prefix, limit: MAX_NAMES });
        return objects.map(({ name }) => ({ value: name }));
      }),
    peers: () =>
      inTime(async () => {
        const peers = await engine.peers();
        return peers.map((peer) => ({
          value: peer.name ?? peer.peerId,
          summary: `${peer.state} ${peer.peerId}`,
        }));
      }),
    places: () => inTime(async () => placesOf(await engine.peers())),
  };
}

async function inTime<T>(read: () => Promise<T[]>): Promise<T[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T[]>((resolve) => {
    timer = setTimeout(() => resolve([]), SOURCE_MS);
  });
  try {
    return await Promise.race([read(), late]);
  } finally {
    clearTimeout(timer);
  }
}
