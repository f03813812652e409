/**
 * Writers without pause on one engine that may die at any moment, and a book of what was acknowledged. Each lane has names of its own, so that of every name at most one
 * change is under way, and what may be found under it after a crash is known: what was acknowledged last, or what was under way.
 */
import type { Engine } from '../../src/engine/engine.ts';
import { asDatameshError } from '../../src/errors.ts';
import { pattern } from '../engine/codec/reference.ts';

/** A content by the seed and length that make it; undefined: the name means nothing. */
export type Content = { seed: number; bytes: number } | undefined;

interface Entry {
  acknowledged: Content;
  /** Set while a change is under way, and after a crash until somebody has looked. */
  underWay: { to: Content } | undefined;
}

const NAMES_PER_LANE = 6;
/** In the manifest, of one stripe, of several. */
const SIZES = [100, 3_000, 20_000, 150_000, 900_000];
/** One change in so many is a deletion. */
const DELETE_EVERY = 7;

export interface WriteLoad {
  /** Changes acknowledged so far. */
  readonly acknowledged: number;
  /** The engine is about to be killed: what fails from now on was cut short. */
  dies(): void;
  /** Resolves when all lanes have ended: with the engine, or after the changes under way. */
  stop(): Promise<void>;
  /** Changes that failed while the engine lived. */
  readonly unexpected: readonly string[];
}

export interface WriteBook {
  start(engine: () => Engine): WriteLoad;
  /** Changes that a crash cut short and nobody has looked for yet. */
  open(): number;
  /** Reads every name; what differs from the book, as text. What was under way is settled by what is found. */
  differences(engine: Engine): Promise<string[]>;
}

export function writeBook(lanes: number): WriteBook {
  const book = new Map<string, Entry>();
  let seed = 0;

  function start(engine: () => Engine): WriteLoad {
    let stopped = false;
    let dying = false;
    let acknowledged = 0;
    const unexpected: string[] = [];
    const lane = async (number: number) => {
      for (let turn = 0; !stopped; turn++) {
        const name = `lane-${number}/file-${turn % NAMES_PER_LANE}`;
        const entry = book.get(name) ?? { acknowledged: undefined, underWay: undefined };
        book.set(name, entry);
        const own = ++seed;
        const to: Content =
          entry.acknowledged !== undefined && own % DELETE_EVERY === 0
            ? undefined
            : { seed: own, bytes: SIZES[own % SIZES.length]! };
        entry.underWay = { to };
        try {
          if (to === undefined) await engine().delete(name);
          else await engine().put(once(pattern(to.bytes, to.seed)), { name, sizeBytes: to.bytes });
        } catch (thrown) {
          if (!dying) unexpected.push(`${name}: ${asDatameshError(thrown).message}`);
          return;
        }
        entry.acknowledged = to;
        entry.underWay = undefined;
        acknowledged++;
      }
    };
    const all = Array.from({ length: lanes }, (_, number) => lane(number));
    return {
      get acknowledged() {
        return acknowledged;
      },
      unexpected,
      dies() {
        dying = true;
      },
      async stop() {
        stopped = true;
        await Promise.all(all);
      },
    };
  }

  async function differences(engine: Engine): Promise<string[]> {
    const found: string[] = [];
    for (const [name, entry] of book) {
      const lawful =
        entry.underWay === undefined ? [entry.acknowledged] : [entry.acknowledged, entry.underWay.to];
      const bytes = await read(engine, name);
      const index = lawful.findIndex((content) =>
        typeof bytes === 'string' || bytes === undefined || content === undefined
          ? bytes === content
          : Buffer.compare(bytes, pattern(content.bytes, content.seed)) === 0,
      );
      if (index < 0) {
        const seen =
          bytes === undefined ? 'nothing' : typeof bytes === 'string' ? bytes : `${bytes.length} other bytes`;
        found.push(`${name}: ${seen} in place of ${JSON.stringify(lawful)}`);
      }
      entry.acknowledged = lawful[index];
      entry.underWay = undefined;
    }
    return found;
  }

  return {
    start,
    open: () => [...book.values()].filter(({ underWay }) => underWay !== undefined).length,
    differences,
  };
}

/** The content, undefined when the name means nothing, the error as text otherwise. */
async function read(engine: Engine, name: string): Promise<Buffer | undefined | string> {
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of (await engine.get(name)).body) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  } catch (thrown) {
    const { code, message } = asDatameshError(thrown);
    return code === 'not-found' ? undefined : message;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
