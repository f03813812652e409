/** Looks over the holders' shoulders: what they are sent, and that who says yes tells the truth. */
import {
  decodeRequest,
  decodeStatus,
  SHARD_PROTOCOL,
  type ShardRequest,
  type ShardStatus,
} from '../../src/engine/backends/shard-protocol.ts';
import type { ShardId } from '../../src/engine/types.ts';
import { checkDurable } from './checks.ts';
import type { Fabric } from './fabric.ts';
import { Violation } from './failure.ts';
import type { SimMachine } from './machine.ts';
import type { SimRandom } from './random.ts';
import type { Truth } from './truth.ts';

/** A holder's yes is checked against its disk in so many of its answers. */
const CHECKED_ANSWERS = 0.08;

interface AnswersOptions {
  fabric: Fabric;
  machines: readonly SimMachine[];
  truth: Truth;
  random: SimRandom;
  violate(violation: Violation): void;
}

/** A holder that says yes must have it on its disk by then, whatever becomes of it a moment later. */
export function watchAnswers(options: AnswersOptions): void {
  const { fabric, machines, truth } = options;
  fabric.onRequest = (endpoint, protocol, header, echo) => {
    const request = protocol === SHARD_PROTOCOL ? requestIn(header) : undefined;
    const machine = machines.find((one) => one.endpoint === endpoint);
    if (request === undefined || machine === undefined) return;
    const items = request.op === 'putMany' ? request.items : request.op === 'put' ? [request] : [];
    for (const { id } of items) truth.sent(id, machine, echo);
  };
  fabric.onAnswer = (endpoint, protocol, header, answer) => {
    if (protocol !== SHARD_PROTOCOL) return;
    const machine = machines.find((one) => one.endpoint === endpoint);
    if (machine === undefined || machine.liar) return;
    const request = requestIn(header);
    if (request === undefined) return;
    const { status, tail } = decodeStatus(answer);
    const stored: [ShardId, ShardStatus][] = [];
    if (request.op === 'put') stored.push([request.id, status]);
    else if (request.op === 'putMany' && status === 'ok') {
      for (const [at, { id }] of request.items.entries())
        stored.push([id, decodeStatus(tail.subarray(at)).status]);
    }
    for (const [id, outcome] of stored) watchPut(machine, id, outcome, options);
  };
}

function watchPut(
  machine: SimMachine,
  id: ShardId,
  status: ShardStatus,
  { random, truth, violate }: AnswersOptions,
): void {
  if (status === 'mismatch')
    violate(
      new Violation(
        'no wrong byte',
        `${machine.label} was sent other bytes than shard ${id.slice(0, 8)} has`,
      ),
    );
  if ((status !== 'ok' && status !== 'already') || !random.chance(CHECKED_ANSWERS)) return;
  checkDurable(machine, [id], truth).catch((error: unknown) => {
    violate(error instanceof Violation ? error : new Violation('no crash', String((error as Error).stack)));
  });
}

/** Undefined for what is none. */
function requestIn(header: Uint8Array): ShardRequest | undefined {
  try {
    return decodeRequest(header);
  } catch {
    return undefined;
  }
}
