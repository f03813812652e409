/** Ten thousand peers and a hundred thousand objects, moved through key by key. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../../test/support/many-nodes.ts';
import { type Pty, ptyScript } from '../../test/support/pty.ts';
import type { Report } from '../support/rows.ts';

const ENTRY = resolve(import.meta.dirname, '../../test/support/console-entry.tsx');
const START_MS = 120_000;
const KEYS = 150;
const PAGE_DOWN = '\u001b[6~';

export async function measureScroll(report: Report): Promise<void> {
  await listOf(report, '10,000 peers', { DATAMESH_TEST_PEERS: '10000' }, async (pty) => {
    await pty.waitFor(/Peers \d+\/10000/, START_MS);
    pty.write('\u001b1');
    await pty.settled(300);
  });
  await listOf(report, '100,000 objects', { DATAMESH_TEST_OBJECTS: '100000' }, async (pty) => {
    await pty.waitFor('2 Health', START_MS);
    pty.write('\u001b2');
    await pty.settled(300);
    pty.write('\r');
    await pty.waitFor(/100 000 /, START_MS);
    await pty.waitUntil('all to be read', () => !pty.text().includes('reading'), START_MS);
    pty.write('\u001b2');
    await pty.settled(300);
  });
}

async function listOf(
  report: Report,
  what: string,
  env: Record<string, string>,
  open: (pty: Pty) => Promise<void>,
): Promise<void> {
  const pty = ptyScript(ENTRY, [], {
    columns: 200,
    rows: 50,
    env: { ...env, DATAMESH_TEST_MOVING: '1', DATAMESH_TEST_LOOP: '1' },
  });
  try {
    await open(pty);
    // From here on the process counts its own pauses.
    pty.signal('SIGUSR2');
    const times: number[] = [];
    for (const keys of [[PAGE_DOWN], ['j'], ['k'], ['G', 'g'], ['j']]) {
      for (let count = 0; count < KEYS / 5; count++) times.push(await moved(pty, keys[count % keys.length]!));
    }
    pty.signal('SIGTERM');
    await pty.exited;
    const pauses = JSON.parse(readFileSync(join(pty.home, 'loop.json'), 'utf8')) as {
      p99: number;
      max: number;
    };
    report.add(`${what}, key to frame, median`, times, 'ms');
    report.add(`${what}, key to frame, p99`, [quantile(times, 0.99)], 'ms');
    report.add(`${what}, longest pause of the process`, [pauses.max], 'ms');
  } finally {
    await pty.close();
  }
}

/** Each key of these moves something; one that does not draws nothing. */
async function moved(pty: Pty, key: string): Promise<number> {
  pty.forget();
  const writtenMs = performance.now();
  pty.write(key);
  while (!pty.raw().includes('\u001b[?2026l') && performance.now() - writtenMs < 2_000) await sleep(1);
  return performance.now() - writtenMs;
}
