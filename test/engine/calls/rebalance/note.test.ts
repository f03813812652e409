import { expect, it } from 'vitest';
import { rebalanceNotes } from '../../../../src/engine/calls/rebalance/note.ts';
import { objectId, peer } from '../../maintenance/custody/samples.ts';

/** A file system of one file. */
function fileOf(text?: string) {
  const file = { bytes: text === undefined ? undefined : Buffer.from(text), writes: 0 };
  const disk = {
    readFile: async () => file.bytes,
    async writeFileAtomic(_path: string, bytes: Uint8Array) {
      file.bytes = Buffer.from(bytes);
      file.writes++;
    },
  };
  const told: string[] = [];
  return {
    file,
    told,
    notes: rebalanceNotes(disk as never, '/data/rebalance.json', (line) => told.push(line)),
  };
}

const note = {
  query: { pool: 'default', tolerance: 0.1, bytesPerSecond: undefined },
  resume: true,
  underway: [{ objectId: objectId(1), stripe: 0xffff_ffff, index: 2, from: peer(1), to: peer(2) }],
};

it('gives back what it was told to keep, and nothing once it is cleared', async () => {
  const { notes, file } = fileOf();
  expect(await notes.read()).toBeUndefined();
  await notes.clear();
  expect(file.writes).toBe(0);
  await notes.keep(note);
  expect(await notes.read()).toEqual(note);
  await notes.clear();
  expect(await notes.read()).toBeUndefined();
});

it.each([
  '',
  '{',
  '7',
  '{"query":1,"underway":[]}',
  '{"query":{},"underway":[{"objectId":5}]}',
  '{"query":{},"underway":[{}]}',
])('says so and goes without where the file is no note: %s', async (text) => {
  const { notes, told } = fileOf(text);
  expect(await notes.read()).toBeUndefined();
  expect(told.join()).toMatch(/does not say what was to be rebalanced/);
});

it('takes only what it knows of a query', async () => {
  const { notes } = fileOf('{"query":{"pool":7,"tolerance":-1,"apply":true},"resume":"yes","underway":[]}');
  expect(await notes.read()).toEqual({
    query: { pool: undefined, tolerance: undefined, bytesPerSecond: undefined },
    resume: false,
    underway: [],
  });
});
