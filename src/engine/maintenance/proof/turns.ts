/** The asker's side of the gate (gate.ts): no more questions at once to one holder than it lets in, and one that is busy is asked again. */
import { asDatameshError, DatameshError } from '../../../errors.ts';
import { Turnstile } from '../../codec/turnstile.ts';
import type { Clock } from '../../effects/clock.ts';
import { isBusy, MAX_WAITING_EACH } from './gate.ts';

/** A question takes the holder some 0.1 s; then less and less often, as a holder that many ask has others before. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

export interface TurnCall {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export class ProofTurns {
  private readonly clock: Clock;
  private readonly places = new Turnstile(MAX_WAITING_EACH);
  /** Whether the last question that had its turn ran into its time limit. */
  private isSilent = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * Asks when it is this question's turn, which its time limit begins with, and again while the holder is busy. Throws what asking throws: of a holder that is busy to
   * the end that it is.
   */
  async ask<T>({ timeoutMs, signal }: TurnCall, question: (timeoutMs: number) => Promise<T>): Promise<T> {
    const { clock } = this;
    const cameMs = clock.monotonic();
    const leave = await this.places.enter(signal);
    try {
      const beginMs = clock.monotonic();
      // Whoever has waited as long behind one that got no answer is not answered either: else those in the queue would add up their limits.
      if (this.isSilent && beginMs - cameMs >= timeoutMs) {
        throw new DatameshError('timeout', { what: `no answer to those before it within ${timeoutMs} ms` });
      }
      const answer = await this.untilFree(beginMs + timeoutMs, signal, question);
      this.isSilent = false;
      return answer;
    } catch (error) {
      this.isSilent = asDatameshError(error).code === 'timeout';
      throw error;
    } finally {
      leave();
    }
  }

  private async untilFree<T>(
    endMs: number,
    signal: AbortSignal | undefined,
    question: (timeoutMs: number) => Promise<T>,
  ): Promise<T> {
    const { clock } = this;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await question(endMs - clock.monotonic());
      } catch (error) {
        if (!isBusy(asDatameshError(error)) || clock.monotonic() + pauseMs >= endMs) throw error;
      }
      await clock.sleep(pauseMs, signal);
    }
  }
}
