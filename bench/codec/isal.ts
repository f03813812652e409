/** ISA-L behind a small C program (bench/isal/erasure.c), built on the spot where its headers and a compiler are. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const HEADERS = ['/usr/include/isa-l.h', '/usr/local/include/isa-l.h', '/opt/homebrew/include/isa-l.h'];

export interface Isal {
  /** GB/s of data; `lost` > 0 decodes that many. */
  measure(code: { k: number; m: number }, shardBytes: number, lost: number): Promise<number>;
  close(): void;
}

/** The harness, or a sentence that says why there is none. */
export function startIsal(turnMs = 40): Isal | string {
  if (!HEADERS.some((path) => existsSync(path))) {
    return 'ISA-L is not here (install libisal-dev): no ratios against it';
  }
  const folder = mkdtempSync(join(tmpdir(), 'datamesh-isal-'));
  const program = join(folder, 'erasure');
  const source = new URL('../isal/erasure.c', import.meta.url).pathname;
  const built = spawnSync('cc', ['-O3', '-march=native', '-o', program, source, '-lisal'], {
    encoding: 'utf8',
  });
  if (built.status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    return `ISA-L is here and its harness does not build: ${built.stderr || built.error?.message}`;
  }
  return harness(spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] }), folder, turnMs);
}

function harness(child: ChildProcess, folder: string, turnMs: number): Isal {
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    async measure({ k, m }, shardBytes, lost) {
      const order = lost === 0 ? 'encode' : 'decode';
      child.stdin!.write(`${order} ${k} ${m} ${shardBytes} ${turnMs} ${lost === 0 ? '' : lost}\n`);
      const answer = await answers.next();
      const figure = Number(answer.value);
      if (answer.done || !(figure > 0)) throw new Error('the ISA-L harness gave no figure');
      return figure;
    },
    close() {
      child.stdin!.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
