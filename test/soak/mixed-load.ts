/** What people do with a mesh, at a steady pace, on every node: puts of all sizes, overwrites, reads, ranges, lists, searches, deletions. Names go round, so that what is stored does not grow. */
import type { Engine } from '../../src/engine/engine.ts';
import { pattern } from '../engine/codec/reference.ts';

/** In the manifest, small, of one stripe, of several. */
const SIZES = [300, 3_000, 30_000, 400_000, 6_000_000];
const NAMES_PER_NODE = 40;
/** Operations under way at once on one node; beyond, the pace gives way. */
const LANES = 4;

export class MixedLoad {
  readonly #engines: readonly Engine[];
  readonly #everyMs: number;
  readonly #done: Record<string, number> = {};
  readonly #failed: string[] = [];
  /** Of each node's names: the seed and length of what it means; undefined while it changes. */
  readonly #contents: Map<string, { seed: number; bytes: number } | undefined>[];
  #stopped = false;
  #turn = 0;

  /** @param rate operations a second, of all nodes together */
  constructor(engines: readonly Engine[], rate: number) {
    this.#engines = engines;
    this.#everyMs = 1000 / rate;
    this.#contents = engines.map(() => new Map());
  }

  stop(): void {
    this.#stopped = true;
  }

  figures(): { done: Record<string, number>; failed: readonly string[] } {
    return { done: this.#done, failed: this.#failed };
  }

  async run(): Promise<void> {
    const under = new Set<Promise<void>>();
    let nextMs = performance.now();
    while (!this.#stopped) {
      nextMs = Math.max(nextMs + this.#everyMs, performance.now() - 1_000);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextMs - performance.now())));
      if (under.size >= LANES * this.#engines.length) await Promise.race(under);
      const work = this.#one(this.#turn++).finally(() => under.delete(work));
      under.add(work);
    }
    await Promise.all(under);
  }

  async #one(turn: number): Promise<void> {
    const node = turn % this.#engines.length;
    const engine = this.#engines[node]!;
    const round = Math.floor(turn / this.#engines.length);
    const name = `soak/${node}/${(round * 7) % NAMES_PER_NODE}`;
    const kind = (
      ['put', 'get', 'get', 'range', 'put', 'get', 'info', 'list', 'get', 'search', 'delete', 'get'] as const
    )[round % 12]!;
    try {
      if (await this.#do(kind, engine, node, name, turn)) this.#done[kind] = (this.#done[kind] ?? 0) + 1;
    } catch (error) {
      this.#failed.push(`${kind} ${name}: ${(error as Error).message}`);
    }
  }

  /** False when there was nothing to do it with. */
  async #do(kind: string, engine: Engine, node: number, name: string, turn: number): Promise<boolean> {
    const contents = this.#contents[node]!;
    if (kind === 'put') return this.#put(engine, contents, name, turn);
    if (kind === 'list') return (await engine.list({ limit: 20 })).objects.length >= 0;
    if (kind === 'search') return (await engine.search({ text: 'soak', limit: 20 })).objects.length >= 0;
    // One that is not just changing.
    const [chosen, content] = [...contents].find(([, it]) => it !== undefined) ?? [];
    if (chosen === undefined || content === undefined) return false;
    contents.delete(chosen);
    if (kind === 'delete') {
      contents.set(chosen, undefined);
      await engine.delete(chosen);
      contents.delete(chosen);
      return true;
    }
    // To the end of the line, so that all are read in turn.
    contents.set(chosen, content);
    // Another lane may write or delete it meanwhile: then what comes says nothing.
    const meant = () => contents.get(chosen) === content;
    try {
      await this.#read(kind, engine, chosen, content);
    } catch (error) {
      if (meant()) throw error;
    }
    return meant();
  }

  async #read(
    kind: string,
    engine: Engine,
    name: string,
    content: { seed: number; bytes: number },
  ): Promise<void> {
    if (kind === 'info') {
      const { sizeBytes, state } = await engine.info(name);
      if (sizeBytes !== content.bytes || state === 'lost') throw new Error(`${sizeBytes} bytes, ${state}`);
      return;
    }
    const whole = pattern(content.bytes, content.seed);
    const offset = kind === 'range' ? Math.floor(content.bytes / 3) : 0;
    const wanted = kind === 'range' ? whole.subarray(offset, offset + Math.ceil(content.bytes / 5)) : whole;
    const pieces: Uint8Array[] = [];
    const { body } = await engine.get(name, { offset, length: wanted.length });
    for await (const piece of body) pieces.push(Buffer.from(piece));
    if (Buffer.compare(Buffer.concat(pieces), wanted) !== 0) throw new Error('other bytes than were put');
  }

  async #put(
    engine: Engine,
    contents: Map<string, { seed: number; bytes: number } | undefined>,
    name: string,
    turn: number,
  ): Promise<boolean> {
    if (contents.has(name) && contents.get(name) === undefined) return false;
    const content = { seed: turn, bytes: SIZES[turn % 17 === 0 ? 4 : turn % 4]! };
    contents.set(name, undefined);
    const source = (async function* () {
      yield pattern(content.bytes, content.seed);
    })();
    const { replacedVersion } = await engine.put(source, { name, sizeBytes: content.bytes });
    // Old versions would pile up: by default they are kept.
    if (replacedVersion !== undefined) await engine.delete(name, { version: replacedVersion });
    contents.delete(name);
    contents.set(name, content);
    return true;
  }
}
