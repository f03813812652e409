/** What the examples find: files in the current folder, objects in the mesh, pools; and real values for the made-up ones that their lines name. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatameshError } from '../../src/errors.ts';
import { putBytes } from '../support/engine-mesh.ts';
import { type ExampleHome, PASSPHRASE, type Scene } from './scene.ts';

/** Files by path below the current folder. */
const FILES: Record<string, string | number> = {
  'holiday.mp4': 300_000,
  'report.pdf': 'a report\n',
  'photos/2026/holiday/beach.jpg': 5_000,
  'photos/2026/holiday/sea.raw': 9_000,
  'photos/readme.txt': 'photos\n',
  'one.jpg': 4_000,
  'two.jpg': 6_000,
  'src/main.ts': 'export const one = 1;\n',
  'src/ui/view.tsx': 'export const two = 2;\n',
  'pass.txt': `${PASSPHRASE}\n`,
  'nightly.dm': '# every night\nset -d DAY=sunday\nlist | count\nhealth\n',
};

/** Below the folder that stands for the root of the file system. */
const ROOT_FILES: Record<string, string | number> = {
  'srv/www/index.html': '<!doctype html>\n',
  'srv/data.bin': 20_000,
  'home/me/letter.txt': 'a letter\n',
  'home/me/node_modules/x/index.js': 'x\n',
  'home/me/old.tmp': 'old\n',
  'tmp/other': 'other\n',
  'mnt/a/x': 'a\n',
  'mnt/b/x': 'b\n',
  'mnt/c/x': 'c\n',
};

const HOME_FILES: Record<string, string | number> = {
  'photos/2026/holiday/beach.jpg': 5_000,
  'photos/one.jpg': 4_000,
  'notes/todo.txt': 'todo\n',
};

/** Objects by name, with their size. `disk.img` is long enough for a range behind its first MiB. */
const OBJECTS: Record<string, number> = {
  'holiday.mp4': 300_000,
  'film.mkv': 200_000,
  '2026/report.pdf': 9,
  'photos.tar': 10_240,
  'photos/2026/a.jpg': 3_000,
  'photos/2026/b.raw': 7_000,
  'notes.txt': 500,
  'part-1': 100,
  'part-2': 100,
  'disk.img': 1_100_000,
  'backup.tar': 40_000,
  'report.pdf': 9,
};

export const root = (home: ExampleHome) => join(home.folder, 'root');

export async function writeFiles(home: ExampleHome): Promise<void> {
  for (const [base, files] of [
    [home.cwd, FILES],
    [root(home), ROOT_FILES],
    [home.folder, HOME_FILES],
  ] as const) {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(base, path)), { recursive: true });
      await writeFile(join(base, path), typeof content === 'number' ? randomBytes(content) : content, {
        mode: 0o600,
      });
    }
  }
}

export async function stockMesh({ engine }: Scene): Promise<void> {
  for (const [name, bytes] of Object.entries(OBJECTS)) await putBytes(engine, name, randomBytes(bytes));
  // Older versions, a tag to find, something read.
  for (const text of ['second', 'third']) await putBytes(engine, 'report.pdf', Buffer.from(text));
  await engine.names.tag('photos/2026/b.raw', { add: ['best'] });
  await engine.names.tag('report.pdf', { add: ['draft', 'work'] });
  await engine.pools.create('archive', { code: { k: 2, m: 1 } });
  await putInto(engine, 'archive', 'kept.tar', 8_000);
}

async function putInto(engine: Scene['engine'], pool: string, name: string, bytes: number): Promise<void> {
  const source = (async function* () {
    yield randomBytes(bytes);
  })();
  await engine.put(source, { name, sizeBytes: bytes, pool });
}

/** The name means an object, whatever an example before has done. */
export async function present({ engine }: Scene, ...names: string[]): Promise<void> {
  for (const name of names) if (!(await exists(engine, name))) await putBytes(engine, name, randomBytes(64));
}

export async function absent({ engine }: Scene, ...names: string[]): Promise<void> {
  for (const name of names) if (await exists(engine, name)) await engine.delete(name);
}

export async function deleted(scene: Scene, ...names: string[]): Promise<void> {
  await present(scene, ...names);
  for (const name of names) await scene.engine.names.hide(name);
}

async function exists(engine: Scene['engine'], name: string): Promise<boolean> {
  try {
    await engine.find(name);
    return true;
  } catch (error) {
    if (error instanceof DatameshError && error.code === 'not-found') return false;
    throw error;
  }
}

/** Exists also where these nodes could not keep its rule. */
export async function poolNamed({ engine }: Scene, name: string): Promise<void> {
  if ((await engine.pools.list()).some((pool) => pool.name === name)) return;
  await engine.pools.create(name, { code: { k: 2, m: 1 }, allowDegraded: true });
}

/** The id of the newest snapshot of a folder, one being made if there is none. */
export async function snapshotOf({ engine }: Scene, source: string): Promise<string> {
  const [known] = (await engine.backups.snapshots({ source })).snapshots;
  if (known !== undefined) return known.id;
  const { snapshot } = await engine.backups.backup({ source, exclude: [], tags: ['daily'] });
  return snapshot.id;
}
