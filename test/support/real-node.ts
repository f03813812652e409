/** One real node for tests, as `init` leaves it, with one object that rests on it alone; each test gets a copy, and asks it for what is wrong. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { type CliResult, type RunOptions, runCli } from './cli.ts';

/** Each is a process or two of its own, and others run beside it. */
export const SLOW_MS = 120_000;

export interface RealNode {
  /** Those of the copy that the running test has. */
  readonly folder: string;
  readonly config: string;
  readonly data: string;
  run(argv: readonly string[], options?: RunOptions): Promise<CliResult>;
  /** As `run`; the test fails when the command does not end with 0. */
  ok(argv: readonly string[], options?: RunOptions): Promise<CliResult>;
  /** The test fails unless the command ends with this status and id, one line that says all of `says`, nothing on stdout, and nothing changed. */
  refuses(
    argv: readonly string[],
    status: number,
    id: string,
    says: readonly (string | RegExp)[],
    options?: RunOptions,
  ): Promise<void>;
  /** The test fails unless the object reads as before. */
  stillThere(): Promise<void>;
}

/** Registers the hooks that make, copy and remove the node of a test file. */
export function realNode(): RealNode {
  let base: string;
  let folder: string;
  const configPath = () => join(folder, 'etc', 'config.json');
  const dataDir = () => join(folder, 'data');

  beforeAll(async () => {
    base = mkdtempSync(join(tmpdir(), 'dm-bad-'));
    folder = join(base, 'master');
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), Buffer.alloc(300_000, 'datamesh'));
    await ok([
      'init',
      '--yes',
      '--quota',
      '64MiB',
      '--reserve',
      '0',
      '--data-dir',
      dataDir(),
      '--redundancy',
      'small',
    ]);
    const put = await run(['put', 'file', '--name', 'kept', '--code', '1+1', '--allow-degraded']);
    expect(put.status, put.stderr).toBe(3);
    // The path would tie the copies to this folder; it is given with the environment instead.
    const file = JSON.parse(readFileSync(configPath(), 'utf8'));
    delete file.node.dataDir;
    writeFileSync(configPath(), JSON.stringify(file));
  }, SLOW_MS);

  let copies = 0;
  beforeEach(() => {
    const copy = join(base, `copy-${copies++}`);
    cpSync(join(base, 'master'), copy, { recursive: true });
    folder = copy;
    chmodSync(dataDir(), 0o700);
  });
  afterAll(() => rmSync(base, { recursive: true, force: true, maxRetries: 5 }));

  function run(argv: readonly string[], options: RunOptions = {}): Promise<CliResult> {
    return runCli(argv, {
      cwd: folder,
      ...options,
      env: {
        HOME: folder,
        TMPDIR: folder,
        DATAMESH_CONFIG: configPath(),
        DATAMESH_NODE_DATA_DIR: dataDir(),
        ...options.env,
      },
    });
  }

  async function ok(argv: readonly string[], options?: RunOptions): Promise<CliResult> {
    const result = await run(argv, options);
    expect(result.status, result.stderr).toBe(0);
    return result;
  }

  /** Everything of the user's. The node's own stores may be opened and closed. */
  function picture(): Record<string, string> {
    const own = /^(?:data|disk)\/(?:shards|LOCK|catalog|custody|service\.log|control)/;
    return Object.fromEntries(
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => !own.test(path.slice(folder.length + 1)) && !statSync(path).isDirectory())
        .map((path) => [
          path.slice(folder.length + 1),
          createHash('sha256').update(readFileSync(path)).digest('hex'),
        ]),
    );
  }

  /** One line, a status, nothing on stdout, nothing changed. `says` must all be in the line. */
  async function refuses(
    argv: readonly string[],
    status: number,
    id: string,
    says: readonly (string | RegExp)[],
    options?: RunOptions,
  ): Promise<void> {
    const before = picture();
    const result = await run(argv, options);
    const line = `datamesh ${argv.join(' ')}: ${result.stderr}`;
    expect(result.stderr, line).toMatch(/^error\[DM-\d+\]: [^\n]*\n$/);
    expect(
      { status: result.status, stdout: result.stdout, id: /DM-\d+/.exec(result.stderr)?.[0] },
      line,
    ).toEqual({
      status,
      stdout: '',
      id,
    });
    for (const each of says) expect(result.stderr).toMatch(each);
    expect(picture()).toEqual(before);
  }

  /** The object is as readable as before. */
  async function stillThere(): Promise<void> {
    expect((await ok(['cat', 'kept'])).stdout).toBe(readFileSync(join(folder, 'file'), 'utf8'));
  }

  return {
    get folder() {
      return folder;
    },
    get config() {
      return configPath();
    },
    get data() {
      return dataDir();
    },
    run,
    ok,
    refuses,
    stillThere,
  };
}
