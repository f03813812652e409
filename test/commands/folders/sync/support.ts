/** Two folders beside one engine in memory, made anew for each test. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { createFakeEngine, type FakeEngine } from '../../../support/fake-engine.ts';
import { runLine, type TestHostOptions, testHost } from '../../../support/host.ts';

export function openSides() {
  let folder = '';
  let engine: FakeEngine = createFakeEngine();
  beforeEach(() => {
    folder = fs.mkdtempSync(join(tmpdir(), 'dm-sync-'));
    for (const side of ['a', 'b']) fs.mkdirSync(join(folder, side));
    engine = createFakeEngine();
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const at = (path: string) => join(folder, path);
  const write = (path: string, content: string) => {
    fs.mkdirSync(join(at(path), '..'), { recursive: true });
    fs.writeFileSync(at(path), content);
  };
  const read = (path: string) => fs.readFileSync(at(path), 'utf8');
  const files = (side: string) =>
    fs
      .readdirSync(at(side), { recursive: true, withFileTypes: true })
      .filter((it) => it.isFile() && !it.parentPath.includes('.datamesh-sync'))
      .map((it) => join(it.parentPath, it.name).slice(at(side).length + 1))
      .sort();
  const stored = async () => (await engine.list({ prefix: 'm/' })).objects.map(({ name }) => name.slice(2));
  const content = async (name: string) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of (await engine.get(`m/${name}`)).body) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  };

  async function sync(side: string, options: string[] = [], host: TestHostOptions = {}) {
    const it = testHost({ engine, ...host });
    const status = await runLine(it, 'sync', at(side), '--to', 'm', ...options);
    const actions = it.seen.records.map(({ action, path }) => `${action} ${path}`).sort();
    return {
      status,
      actions,
      records: it.seen.records,
      warnings: it.seen.warnings,
      errors: it.seen.errors,
      host: it,
    };
  }
  const both = (side: string, options: string[] = []) => sync(side, ['--bidirectional', ...options]);

  return {
    ...{ at, write, read, files, stored, content, sync, both },
    get folder() {
      return folder;
    },
    get engine() {
      return engine;
    },
    /** A mesh that knows nothing. */
    forget: () => void (engine = createFakeEngine()),
  };
}
