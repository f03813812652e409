/** From a key to its echo, at rest and while a large file is put by the same process. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFile } from '../../test/support/files.ts';
import { quantile } from '../../test/support/many-nodes.ts';
import type { Pty } from '../../test/support/pty.ts';
import type { Report } from '../support/rows.ts';
import type { BenchMesh } from './mesh.ts';

const START_MS = 60_000;
const PUT_MS = 600_000;
const REST_KEYS = 200;
/** A quick typist; never in step with the frames. */
const BETWEEN_MS = 47;

export async function measureEcho(mesh: BenchMesh, report: Report, sizeMiB: number): Promise<void> {
  const file = join(mesh.folder, 'large');
  await randomFile(file, sizeMiB * 2 ** 20);
  const pty = mesh.console(await mesh.ownConfig());
  try {
    // Enough of them to store on.
    await pty.waitFor(/Peers ([6-9]|\d\d+)\//, START_MS);
    await pty.settled(300);
    tell(report, 'key to echo, at rest', await typed(pty, (count) => count < REST_KEYS));
    pty.enter(`put ${file} --name large &`);
    const startedMs = performance.now();
    const ended = () => /\[1\] ended/.test(pty.text()) || performance.now() - startedMs > PUT_MS;
    const during = await typed(pty, () => !ended());
    if (!/\[1\] ended: put/.test(pty.text())) throw new Error(`the put did not end well\n${pty.dump()}`);
    tell(report, `key to echo, during a put of ${sizeMiB} MiB`, during);
    report.add('that put', [(performance.now() - startedMs) / 1000], 's');
  } finally {
    pty.signal('SIGTERM');
    await pty.exited;
    await pty.close();
    rmSync(file);
  }
}

/** Types one letter after the other and takes them away again; milliseconds from each write to the screen that shows it. */
async function typed(pty: Pty, goOn: (count: number) => boolean): Promise<number[]> {
  const times: number[] = [];
  let column = pty.cursor().column;
  for (let count = 0; goOn(count); count++) {
    const erase = count % 20 === 19;
    const want = erase ? column - 19 : column + 1;
    const writtenMs = performance.now();
    pty.write(erase ? '\u0015' : 'a');
    while (pty.cursor().column !== want) {
      if (performance.now() - writtenMs > START_MS) throw new Error(`no echo\n${pty.dump()}`);
      await sleep(1);
    }
    times.push(performance.now() - writtenMs);
    column = want;
    await sleep(BETWEEN_MS);
  }
  pty.write('\u0015');
  await sleep(BETWEEN_MS);
  return times;
}

function tell(report: Report, name: string, times: readonly number[]): void {
  report.add(`${name}, median`, times, 'ms');
  report.add(`${name}, p99`, [quantile(times, 0.99)], 'ms');
  report.add(`${name}, worst of ${times.length}`, [Math.max(...times)], 'ms');
}
