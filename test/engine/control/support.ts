/** Services on real sockets in temporary folders for the control tests. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { connectEngine } from '../../../src/engine/control/client.ts';
import { type ControlServer, startControl } from '../../../src/engine/control/server.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import type { DatameshError } from '../../../src/errors.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export function atEnd(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'datamesh-control-'));
  chmodSync(folder, 0o700);
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Served {
  server: ControlServer;
  client: Engine;
  dataDir: string;
}

export async function serve(engine: Engine, dataDir = dataFolder()): Promise<Served> {
  const server = await startControl(engine, { dataDir, clock: realClock() });
  atEnd(() => server.close());
  const client = await connectEngine(dataDir);
  if (client === undefined) throw new Error('the service does not answer');
  atEnd(() => client.close());
  return { server, client, dataDir };
}

export async function errorOf(task: Promise<unknown>): Promise<DatameshError> {
  try {
    await task;
  } catch (error) {
    return error as DatameshError;
  }
  throw new Error('nothing was thrown');
}

export async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? new TextEncoder().encode(part) : part;
}

export async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}

/** Resolves when `condition` holds; fails after 5 s. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`did not come true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
