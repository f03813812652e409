import { expect, test } from 'vitest';
import { Quarantine } from '../../../../src/engine/maintenance/collect/quarantine.ts';
import type { OwnerId, PeerId, ShardId } from '../../../../src/engine/types.ts';
import { ModelDisk } from '../../../support/model-disk.ts';

const OWNER = 'aa'.repeat(32) as OwnerId;
const OTHER = 'bb'.repeat(32) as OwnerId;
const [ME, MINE] = ['me', 'mine'] as [PeerId, PeerId];
const id = (n: number) => n.toString(16).padStart(64, '0') as ShardId;
const YEARS = 10 * 365 * 86_400_000;
const DELAY = 86_400_000;

function world(limits: { maxMarks?: number; maxMarksPerOwner?: number } = {}) {
  const disk = new ModelDisk();
  const clock = { nowMs: 1_800_000_000_000, now: () => clock.nowMs };
  const logged: string[] = [];
  const open = () =>
    Quarantine.open({ disk, clock, path: '/q', log: (text) => logged.push(text), ...limits });
  return { disk, clock, logged, open };
}
const dropped: ShardId[] = [];
const drop = async (shard: ShardId) => dropped.push(shard) > 0;

test('sweeps only what two epochs of one node found dead, the delay between them', async () => {
  const { clock, open } = world();
  const held = await open();
  expect(await held.mark(OWNER, ME, 5, DELAY, [id(1), id(2)])).toEqual(['marked', 'marked']);
  // Once more in the same epoch is still the first mark, however late it is.
  clock.nowMs += 2 * DELAY;
  expect(await held.mark(OWNER, ME, 5, DELAY, [id(1)])).toEqual(['marked']);
  expect(await held.sweep(OWNER, ME, 5, DELAY, [id(1)], drop)).toEqual([false]);
  // A later epoch that did not mark it again does not sweep it either.
  expect(await held.sweep(OWNER, ME, 6, DELAY, [id(1)], drop)).toEqual([false]);
  clock.nowMs -= 2 * DELAY;
  expect(await held.mark(OWNER, ME, 6, DELAY, [id(1)])).toEqual(['waits']);
  expect(await held.sweep(OWNER, ME, 6, DELAY, [id(1)], drop)).toEqual([false]);
  clock.nowMs += DELAY;
  expect(await held.mark(OWNER, ME, 7, DELAY, [id(1)])).toEqual(['ripe']);
  expect(await held.sweep(OTHER, ME, 7, DELAY, [id(1)], drop)).toEqual([false]);
  expect(await held.sweep(OWNER, MINE, 7, DELAY, [id(1)], drop)).toEqual([false]);
  expect(await held.sweep(OWNER, ME, 7, DELAY, [id(1), id(2)], drop)).toEqual([true, false]);
  expect(dropped).toEqual([id(1)]);
  expect(held.size).toBe(1);
});

test('a mark by another node of the owner, or with a lower epoch, is a first one', async () => {
  const held = await world().open();
  await held.mark(OWNER, ME, 5, 0, [id(1)]);
  expect(await held.mark(OWNER, MINE, 9, 0, [id(1)])).toEqual(['marked']);
  expect(await held.mark(OWNER, ME, 10, 0, [id(1)])).toEqual(['marked']);
  expect(await held.mark(OWNER, ME, 2, 0, [id(1)])).toEqual(['marked']);
  expect(await held.mark(OWNER, ME, 3, 0, [id(1)])).toEqual(['ripe']);
});

test('no jump of the clock sweeps anything by itself, and one back only delays', async () => {
  const { clock, open } = world();
  const held = await open();
  await held.mark(OWNER, ME, 1, DELAY, [id(1), id(2)]);
  clock.nowMs += YEARS;
  expect(await held.sweep(OWNER, ME, 1, DELAY, [id(1)], drop)).toEqual([false]);
  expect(await held.sweep(OWNER, ME, 2, DELAY, [id(1)], drop)).toEqual([false]);
  clock.nowMs -= 2 * YEARS;
  expect(await held.mark(OWNER, ME, 2, DELAY, [id(1)])).toEqual(['waits']);
  clock.nowMs += DELAY;
  expect(await held.mark(OWNER, ME, 3, DELAY, [id(1)])).toEqual(['ripe']);
});

test('what is lifted must be marked twice anew, also after a restart', async () => {
  const { open } = world();
  let held = await open();
  await held.mark(OWNER, ME, 1, 0, [id(1), id(2), id(3)]);
  await held.lift(OWNER, [id(1), id(9)]);
  await held.lift(OTHER, [id(2)]);
  await held.close();
  held = await open();
  expect(held.size).toBe(2);
  expect(await held.mark(OWNER, ME, 2, 0, [id(1), id(2)])).toEqual(['marked', 'ripe']);
  // Since the restart nobody has found 3 dead again.
  expect(await held.sweep(OWNER, ME, 2, 0, [id(2), id(3)], async () => true)).toEqual([true, false]);
  await held.close();
  expect((await open()).size).toBe(2);
});

test('a put that comes while a sweep is being noted keeps its shard', async () => {
  const { disk, open } = world();
  const held = await open();
  await held.mark(OWNER, ME, 1, 0, [id(1), id(2)]);
  await held.mark(OWNER, ME, 2, 0, [id(1), id(2)]);
  disk.turns = () => 3;
  const gone: ShardId[] = [];
  const sweeping = held.sweep(OWNER, ME, 2, 0, [id(1), id(2)], async (shard) => gone.push(shard) > 0);
  await held.lift(OWNER, [id(2)]);
  expect(await sweeping).toEqual([true, false]);
  expect(gone).toEqual([id(1)]);
});

test('is bounded, and leaves room for other owners', async () => {
  const held = await world({ maxMarks: 5, maxMarksPerOwner: 3 }).open();
  const many = [1, 2, 3, 4].map(id);
  expect(await held.mark(OWNER, ME, 1, 0, many)).toEqual(['marked', 'marked', 'marked', 'full']);
  expect(await held.mark(OTHER, ME, 1, 0, many)).toEqual(['marked', 'marked', 'full', 'full']);
  expect(held.size).toBe(5);
});

test('a file cut short keeps its whole lines, and one that makes no sense is forgotten', async () => {
  const { disk, open, logged } = world();
  let held = await open();
  await held.mark(OWNER, ME, 1, 0, [id(1)]);
  await held.mark(OWNER, ME, 1, 0, [id(2)]);
  await held.close();
  const whole = (await disk.readFile('/q', 1e6))!;
  await disk.writeFileAtomic('/q', whole.subarray(0, whole.length - 5), 0o600);
  held = await open();
  expect(held.size).toBe(1);
  await held.close();
  await disk.writeFileAtomic(
    '/q',
    Buffer.from(`${Buffer.from(whole).toString().split('\n')[0]}\nnonsense\n`),
    0o600,
  );
  expect((await open()).size).toBe(0);
  expect(logged).toHaveLength(1);
});
