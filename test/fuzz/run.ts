/** Runs a fuzz target: every input ends in a value or a coded refusal, soon, and nothing piles up. */
import { nextTurn } from '../../src/engine/effects/turn.ts';
import { collect } from '../support/collect.ts';
import { dice, mutate } from './mutate.ts';
import type { Target } from './targets.ts';

export interface FuzzResult {
  target: string;
  inputs: number;
  accepted: number;
  slowestMs: number;
  /** Above what was in use before: heap and buffers, the garbage of some hundred inputs included. */
  peakBytes: number;
}

/** Processor time: on a busy machine the clock counts what others do. One slow input may be a collection of garbage; a decoder that hangs takes longer than this. */
const MAX_INPUT_MS = 1000;
const SAMPLE_EVERY = 256;
/** More than this is collected after it was measured: V8 may let the garbage of thousands of inputs lie, which says nothing of any of them. */
const LEFT_TO_V8_BYTES = 16 * 1024 * 1024;

/** Throws, with the input in hex, for anything but a value or a refusal that the target names. */
export async function fuzz(target: Target, inputs: number, seed: number): Promise<FuzzResult> {
  const random = dice(seed);
  const { corpus } = target;
  const before = inUse();
  let peakBytes = 0;
  let slowestMs = 0;
  let accepted = 0;
  for (let i = 0; i < inputs; i++) {
    const base = corpus[random.roll(corpus.length)]!;
    let input: Uint8Array = mutate(base, corpus[random.roll(corpus.length)]!, random);
    if (target.forge !== undefined && i % (target.forgeEvery ?? 1) === 0)
      input = target.forge(Buffer.from(input));
    const startMs = processorMs();
    try {
      const running = target.run(input);
      // Waiting costs more than most decoders do.
      if (running !== undefined) await running;
      accepted++;
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (typeof code !== 'string' || !target.refusals.test(code))
        throw failure(target, seed, i, input, error);
    }
    const tookMs = processorMs() - startMs;
    slowestMs = Math.max(slowestMs, tookMs);
    if (tookMs > MAX_INPUT_MS) throw failure(target, seed, i, input, `took ${Math.round(tookMs)} ms`);
    if (i % SAMPLE_EVERY !== 0) continue;
    const usedBytes = inUse() - before;
    peakBytes = Math.max(peakBytes, usedBytes);
    if (usedBytes > LEFT_TO_V8_BYTES) collect();
    // Finalisers of native objects, as hashers, have turns of the event loop of their own: without one, a million inputs took 1.8 GiB.
    await nextTurn();
  }
  return { target: target.name, inputs, accepted, slowestMs, peakBytes };
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function inUse(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function failure(target: Target, seed: number, index: number, input: Uint8Array, cause: unknown): Error {
  const hex = Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString('hex');
  return new Error(`${target.name}: input ${index} of seed ${seed}: ${String(cause)}\n${hex}`, { cause });
}
