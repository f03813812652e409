/** What the owners do: put, get, delete; and what every answer they get must fulfil. */
import type { GetOptions, PutOptions } from '../../src/engine/engine.ts';
import type { Domain } from '../../src/engine/placement/domains.ts';
import { asDatameshError, type ErrorCode } from '../../src/errors.ts';
import { Violation } from './failure.ts';
import type { SimMachine } from './machine.ts';
import type { SimRandom } from './random.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';
import type { Promised, Truth } from './truth.ts';

export interface PoolChoice {
  name: string;
  domain: Domain;
}

export interface Operation {
  label: string;
  client: SimMachine;
  life: number;
  startedMs: number;
  writes: boolean;
  done: boolean;
  /** The name that is being deleted. */
  deletes: string | undefined;
}

/** What an operation may honestly fail with while faults go on. */
const HONEST: ReadonlySet<ErrorCode> = new Set([
  'shards-missing',
  'write-quorum-failed',
  'too-few-nodes',
  'no-peers',
  'quota-full',
  'disk-full',
  'denied',
  'timeout',
  'peer-unreachable',
  'cancelled',
  'not-found',
]);
const NAMES = 10;
/** A put waits for its slowest holder and each spare in turn, 20 s each. */
export const OPERATION_LIMIT_MS = 15 * 60_000;

interface ClientsOptions {
  truth: Truth;
  timeline: Timeline;
  random: SimRandom;
  trace: Trace;
  violate(violation: Violation): void;
}

export class Clients {
  /** Under way, or of a process that died meanwhile. */
  running: Operation[] = [];
  readonly counts = { put: 0, get: 0, delete: 0, cleanup: 0, swept: 0, failed: 0 };
  readonly #options: ClientsOptions;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  name(): string {
    return `file-${this.#options.random.between(0, NAMES - 1)}`;
  }

  /** Forgets what ended, and what a dead process will never end. Whatever takes for ever is a violation. */
  tidy(): void {
    const { timeline } = this.#options;
    this.running = this.running.filter((it) => !it.done && it.client.lives === it.life && it.client.isUp);
    if (!this.writing) this.settleDeletes();
    for (const { startedMs, label } of this.running) {
      if (timeline.nowMs - startedMs > OPERATION_LIMIT_MS)
        throw new Violation('ends', `${label} never ended`);
    }
  }

  get writing(): boolean {
    return this.running.some(({ writes }) => writes);
  }

  #run(
    client: SimMachine,
    label: string,
    writes: boolean,
    work: () => Promise<string>,
    deletes?: string,
  ): void {
    const { timeline, trace, violate } = this.#options;
    const operation: Operation = {
      label: `${client.label} ${label}`,
      client,
      life: client.lives,
      startedMs: timeline.nowMs,
      writes,
      done: false,
      deletes,
    };
    this.running.push(operation);
    trace.note(`${operation.label} begins`);
    work().then(
      (outcome) => {
        operation.done = true;
        trace.note(`${operation.label}: ${outcome}`);
      },
      (error: unknown) => {
        operation.done = true;
        if (error instanceof Violation) return violate(error);
        this.counts.failed++;
        const failure = asDatameshError(error);
        trace.note(`${operation.label} fails: ${failure.code} ${failure.message}`);
        if (!HONEST.has(failure.code)) {
          const stack = error instanceof Error ? error.stack : '';
          violate(
            new Violation(
              'honest errors',
              `${operation.label} failed with ${failure.code}: ${failure.message}\n${stack}`,
            ),
          );
        }
      },
    );
  }

  put(client: SimMachine, pool: PoolChoice): void {
    const { random, truth } = this.#options;
    const { engine } = client;
    if (engine === undefined) return;
    this.counts.put++;
    const name = this.name();
    const content = random.bytes(sizeOf(random));
    const allowDegraded = random.chance(0.1);
    const breaksAt = random.chance(0.05) ? random.between(0, content.length) : undefined;
    const stopper = random.chance(0.05) ? new AbortController() : undefined;
    if (stopper !== undefined)
      this.#options.timeline.after(random.around(5), undefined, 'cancel', () => stopper.abort());
    const options: PutOptions = {
      name,
      // Told less than there is, the content becomes several stripes of the smallest chunk.
      sizeBytes: random.chance(0.5) ? content.length : 1,
      pool: pool.name,
      allowDegraded,
    };
    this.#run(client, `put ${name} of ${content.length} into ${pool.name}`, true, async () => {
      const receipt = await engine
        .put(pieces(content, breaksAt), options, stopper && { signal: stopper.signal })
        .catch((error: unknown) => {
          // The source's own error comes back as it is.
          if (error instanceof SourceBroke || asDatameshError(error).cause instanceof SourceBroke)
            return undefined;
          throw error;
        });
      if (receipt === undefined) return 'refused, as its source broke';
      const { objectId, version } = receipt.object;
      const entry = client.catalog?.find(client.ownerId!, name, version);
      if (entry?.objectId !== objectId)
        throw new Violation('acknowledged is committed', `${name} is not in the catalog`);
      const groups = truth.groupsOf(objectId, entry.manifestHolders);
      const promised: Promised = {
        client,
        name,
        version,
        objectId,
        content,
        domain: pool.domain,
        allowDegraded,
        groups,
        // What a liar took counts for nothing from the start.
        floors: groups.map(
          ({ shards }) => shards.filter(({ holder }) => truth.machineOf(holder)?.liar === false).length,
        ),
        // A delete that has not ended may have this version go as well.
        state: this.running.some((it) => it.client === client && it.deletes === name && !it.done)
          ? 'deleting'
          : 'live',
      };
      truth.promised.push(promised);
      checkReceipt(promised, receipt.shardsDurable, receipt.spare);
      checkQuorum(promised);
      return `version ${version}, ${receipt.shardsDurable} of ${receipt.shardsWanted} shards`;
    });
  }

  get(client: SimMachine, name: string, version?: number): void {
    const { random, truth } = this.#options;
    const { engine } = client;
    if (engine === undefined) return;
    this.counts.get++;
    const mine = (it: Promised) => it.client === client && it.name === name;
    const before = truth.live().filter(mine);
    const floor = Math.max(0, ...before.map((it) => it.version));
    const options: GetOptions = version === undefined ? {} : { version };
    const longest = Math.max(0, ...before.map(({ content }) => content.length));
    if (random.chance(0.3)) options.offset = random.between(0, longest);
    if (random.chance(0.3)) options.length = random.between(0, longest);
    this.#run(client, `get ${name} ${JSON.stringify(options)}`, false, async () => {
      const result = await engine.get(name, options).catch((error: unknown) => {
        if (asDatameshError(error).code === 'bad-value' && options.offset !== undefined) return undefined;
        throw error;
      });
      if (result === undefined) return 'its range lies beyond the end';
      const promised = truth.promised
        .filter(mine)
        .find((it) => it.version === result.object.version && it.objectId === result.object.objectId);
      if (promised === undefined)
        throw new Violation(
          'no wrong byte',
          `${name} gave a version that nobody put: ${result.object.version}`,
        );
      const stillLive = before.some((it) => it.version === floor && it.state === 'live');
      if (version === undefined && stillLive && result.object.version < floor)
        throw new Violation(
          'acknowledged is seen',
          `${name} gave version ${result.object.version} after ${floor}`,
        );
      const got = await collect(result.body);
      const wanted = promised.content.subarray(result.offset, result.offset + result.length);
      if (Buffer.compare(got, wanted) !== 0)
        throw new Violation(
          'no wrong byte',
          `${name} version ${promised.version}: ${got.length} bytes, other ones than were put`,
        );
      return `version ${promised.version}, ${got.length} bytes`;
    });
  }

  delete(client: SimMachine, name: string): void {
    const { truth } = this.#options;
    const { engine } = client;
    if (engine === undefined) return;
    this.counts.delete++;
    const mine = truth.live().filter((it) => it.client === client && it.name === name);
    for (const promised of mine) promised.state = 'deleting';
    const work = async () => {
      const { versions, unreachable } = await engine.delete(name);
      return `${versions} versions gone, ${unreachable.length} holders not reached`;
    };
    this.#run(client, `delete ${name}`, true, work, name);
  }

  /** Whatever it takes for an orphan: nothing that was acknowledged may be missing afterwards. */
  cleanup(client: SimMachine): void {
    const { random } = this.#options;
    const { engine } = client;
    if (engine === undefined) return;
    this.counts.cleanup++;
    const query = { orphaned: true, duplicates: random.chance(0.5), dryRun: false };
    this.#run(client, 'cleanup', false, async () => {
      const { orphaned, duplicates } = await engine.cleanup(query);
      this.counts.swept += orphaned!.swept;
      const { marked, swept, waiting, blocked } = orphaned!;
      return `${marked} marked, ${swept} swept, ${waiting} wait, ${duplicates?.released ?? 0} copies released ${blocked.join()}`;
    });
  }

  /** What a delete left undone, or a crash in the middle of one, is told by the catalog. */
  private settleDeletes(): void {
    const { truth } = this.#options;
    for (const promised of truth.promised) {
      if (promised.state !== 'deleting') continue;
      const { client, name, version, objectId } = promised;
      const entry = client.catalog?.find(client.ownerId!, name, version);
      promised.state = entry?.objectId === objectId ? 'live' : 'deleted';
    }
  }
}

function checkReceipt({ name, groups }: Promised, shardsDurable: number, spare: number): void {
  const placed = groups.reduce((sum, { shards }) => sum + shards.length, 0);
  if (placed !== shardsDurable)
    throw new Violation(
      'receipts are true',
      `${name}: ${shardsDurable} shards claimed, its manifest names ${placed}`,
    );
  const least = Math.min(...groups.map(({ code, shards }) => shards.length - code.k));
  if (least !== spare)
    throw new Violation('receipts are true', `${name}: spare ${spare} claimed, it is ${least}`);
}

/** Half of the parity, rounded up, must be durable beyond what reading takes, or the put is none. */
function checkQuorum({ name, groups, allowDegraded }: Promised): void {
  for (const { code, shards } of groups) {
    const needed = allowDegraded ? code.k : code.k + Math.ceil(code.m / 2);
    if (shards.length < needed)
      throw new Violation(
        'no put below its quorum',
        `${name}: ${shards.length} shards durable, ${needed} needed`,
      );
  }
}

function sizeOf(random: SimRandom): number {
  const [from, to] = random.weighted([
    [[0, 0], 1],
    [[1, 4096], 3],
    [[4097, 40_000], 12],
    [[40_001, 200_000], 2],
    [[262_000, 700_000], 1],
  ] as const);
  return random.between(from, to);
}

class SourceBroke extends Error {}

async function* pieces(content: Uint8Array, breaksAt: number | undefined): AsyncGenerator<Uint8Array> {
  const PIECE = 50_000;
  for (let at = 0; at < content.length; at += PIECE) {
    if (breaksAt !== undefined && breaksAt <= at) throw new SourceBroke('the source broke');
    yield content.subarray(at, at + PIECE);
  }
  if (breaksAt !== undefined) throw new SourceBroke('the source broke');
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of body) parts.push(Uint8Array.from(piece));
  return Buffer.concat(parts);
}
