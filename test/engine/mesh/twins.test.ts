import { expect, test } from 'vitest';
import { Twins } from '../../../src/engine/mesh/twins.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { manualClock } from '../../support/manual-clock.ts';

const MINUTE = 60_000;
const PEER = 'peer' as PeerId;
const [HERE, THERE, ELSEWHERE] = [
  ['/ip4/10.0.0.1/tcp/4001'],
  ['/ip4/10.0.0.2/tcp/4001'],
  ['/ip4/10.9.0.1/tcp/4001'],
];

function moves(places: readonly (readonly string[])[], everyMs: number): boolean[] {
  const clock = manualClock();
  const twins = new Twins(clock);
  return places.slice(1).map((now, i) => {
    void clock.advance(everyMs);
    return twins.noted(PEER, places[i]!, now);
  });
}

test('who is here and there in turn is told of, once an hour', () => {
  const turns = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? HERE : THERE));
  const told = moves(turns, MINUTE).flatMap((is, minute) => (is ? [minute] : []));
  expect(told).toEqual([3, 63, 123, 183]);
});

test('who moves on, goes to and fro by the day, or has one address more at times, is not', () => {
  expect(moves([HERE, THERE, ELSEWHERE, HERE, THERE, ELSEWHERE], MINUTE)).not.toContain(true);
  expect(moves([HERE, THERE, HERE, THERE, HERE, THERE], 480 * MINUTE)).not.toContain(true);
  const more = [...HERE, ...THERE];
  expect(moves([HERE, more, HERE, more, HERE, more, HERE], MINUTE)).not.toContain(true);
  expect(moves([HERE, [], HERE, [], HERE, [], HERE], MINUTE)).not.toContain(true);
});
