import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Closers } from '../../../src/engine/node/closers.ts';
import { realMachine } from '../../../src/engine/node/machine.ts';
import { openStorage } from '../../../src/engine/node/storage.ts';
import { EventLog } from '../../../src/engine/observe/events.ts';
import type { EngineOptions } from '../../../src/engine/options.ts';
import { tempDir } from '../shardstore/support.ts';

test('a database that is gone from a node that has run is told, and is no secret of an empty list', async () => {
  const dataDir = await tempDir();
  const machine = realMachine();
  const opened = async () => {
    const events = new EventLog(machine.clock);
    const closers = new Closers();
    const storage = { quotaBytes: 0, reserveFraction: 0 };
    await openStorage({ dataDir, storage } as EngineOptions, machine, events, closers);
    await closers.close();
    return events.view().map(({ text }) => text);
  };
  expect(await opened()).toEqual([]);
  expect(await opened()).toEqual([]);
  await rm(`${dataDir}/catalog.sqlite`);
  expect(await opened()).toMatchObject([
    expect.stringMatching(/catalog\.sqlite was missing.*datamesh recover/),
  ]);
  expect(await opened()).toEqual([]);
});
