/** Which custodian mends, and when: the first at once or after the grace, each further one some time later, in case those before it do nothing. Pure. */
import type { MenderLimits } from './mender-context.ts';
import { graceWith } from './repair-plan.ts';

export interface Waiting {
  /** Live shards of the weakest stripe minus k. */
  spare: number;
  /** How long such damage is left alone by everybody. */
  graceMs: number;
  /** Custodians that come before this one. */
  turn: number;
  /** Since when it is damaged. */
  ageMs: number;
  /** Since the last loss was told. */
  toldAgoMs: number;
}

type TurnLimits = Pick<MenderLimits, 'graceMs' | 'settleMs' | 'turnMs' | 'urgentTurnMs'>;

/**
 * How long it still waits, in whole milliseconds, as a rest too small for the clock would be waited for without end; 0 or less: it is due. Where the next loss would destroy data those before this custodian have a short time from the last loss on, for what has just become urgent is
 * new to them as well; but losses told again and again put its turn off no longer than damage that is not urgent.
 */
export function leftMs({ spare, graceMs, turn, ageMs, toldAgoMs }: Waiting, limits: TurnLimits): number {
  const turnMs = graceMs + turn * limits.turnMs - ageMs;
  if (spare > 0) return Math.ceil(turnMs);
  return Math.ceil(Math.max(graceMs - ageMs, Math.min(turnMs, turn * limits.urgentTurnMs - toldAgoMs)));
}

/** The same before it is looked at, by the losses that were told or found: two of three looks at a fresh loss would end with waiting. */
export function leftUnseenMs(
  known: { losses: number; ageMs: number; toldAgoMs: number },
  turn: number,
  m: number,
  limits: TurnLimits,
): number {
  const spare = m - known.losses;
  return leftMs({ ...known, spare, turn, graceMs: graceWith(spare, m, limits) }, limits);
}
