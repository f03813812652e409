/**
 * What `npm pack` makes: its files, its size, and that it works where nothing of a checkout is: installed into an empty prefix without running any script, three nodes made with `init`,
 * a file put on one and read on another, and the library's example. PACKAGE_NODES adds runtimes (paths, with colons between them). Skipped, and says so, where no registry answers.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonLines } from '../support/bin.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODES = [...new Set([process.execPath, ...(process.env.PACKAGE_NODES ?? '').split(':')])].filter(
  Boolean,
);

/** The budget (docs/UPGRADE.md names it): what is more than this is looked at before it is published. */
const MAX_PACKED_BYTES = 1_500_000;
const MAX_UNPACKED_BYTES = 6_000_000;
const MAX_INSTALLED_BYTES = 120_000_000;
const MAX_PACKAGES = 300;

const INSTALL_MS = 300_000;
const RUN_MS = 180_000;

interface Packed {
  filename: string;
  size: number;
  unpackedSize: number;
  files: { path: string; mode: number }[];
}

let folder: string;
let packed: Packed;
let why: string | undefined;
const at = (...parts: string[]) => join(folder, ...parts);
const npm = (args: string[], cwd: string) =>
  spawnSync('npm', args, {
    cwd,
    encoding: 'utf8',
    timeout: INSTALL_MS,
    env: { ...process.env, npm_config_update_notifier: 'false', npm_config_fund: 'false' },
  });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dm-package-'));
  const made = npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], ROOT);
  if (made.status !== 0) throw new Error(made.stderr);
  packed = (JSON.parse(made.stdout) as Packed[])[0]!;
  const installed = npm(
    [
      'install',
      '--global',
      '--ignore-scripts',
      '--no-audit',
      '--prefer-offline',
      '--omit=dev',
      '--prefix',
      at('prefix'),
      at(packed.filename),
    ],
    folder,
  );
  if (/E(?:NOTFOUND|AI_AGAIN|CONNREFUSED|TIMEDOUT|NOTCACHED)/.test(installed.stderr)) {
    why = 'no package registry answers';
    process.stdout.write(`installing was skipped: ${why}\n`);
  } else if (installed.status !== 0) throw new Error(installed.stderr);
}, 2 * INSTALL_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

const packageDir = () => at('prefix/lib/node_modules/datamesh');

describe('the tarball', () => {
  it('has what runs, what explains it, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    for (const needed of [
      'bin/datamesh',
      'dist/cli/main.js',
      'dist/engine/library.js',
      'dist/engine/library.d.ts',
      'docs/API.md',
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
    ])
      expect(paths).toContain(needed);
    const others = paths.filter(
      (path) =>
        !/^(?:bin\/(?:datamesh|package\.json)|dist\/.+\.(?:js|d\.ts)|docs\/.+\.(?:md|json|mjs|txt)|man\/.+|ops\/.+|(?:README|CHANGELOG)\.md|LICENSE|package\.json)$/.test(
          path,
        ),
    );
    expect(others).toEqual([]);
    expect(packed.files.find(({ path }) => path === 'bin/datamesh')!.mode & 0o111).not.toBe(0);
  });

  it('keeps to its budget and runs no script where it is installed', () => {
    process.stdout.write(
      `packed ${packed.size} bytes, unpacked ${packed.unpackedSize}, ${packed.files.length} files\n`,
    );
    expect(packed.size).toBeLessThan(MAX_PACKED_BYTES);
    expect(packed.unpackedSize).toBeLessThan(MAX_UNPACKED_BYTES);
    const { scripts, engines, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    // npm runs these where a package is installed; `prepare` only in a checkout.
    for (const name of ['preinstall', 'install', 'postinstall']) expect(scripts).not.toHaveProperty(name);
    expect({ engines, license }).toEqual({ engines: { node: '>=22.13' }, license: 'MIT' });
  });
});

describe('installed into an empty prefix', () => {
  it('has its manual where man looks', (test) => {
    if (why !== undefined) return test.skip(why);
    expect(readFileSync(at('prefix', 'share/man/man1/datamesh.1'), 'utf8')).toMatch(/^\.TH /m);
  });

  it('stays within the budget of packages and bytes', (test) => {
    if (why !== undefined) return test.skip(why);
    const { packages, bytes } = measure(join(packageDir(), 'node_modules'));
    process.stdout.write(`installed: ${packages} packages, ${(bytes / 1e6).toFixed(1)} MB\n`);
    expect(packages).toBeLessThanOrEqual(MAX_PACKAGES);
    expect(bytes).toBeLessThan(MAX_INSTALLED_BYTES);
  });

  it.each(NODES.map((node) => [version(node), node] as const))(
    'makes three nodes that keep a file, on Node %s',
    async (_version, node) => {
      if (why !== undefined) return;
      const mesh = at(`mesh-${version(node)}`);
      mkdirSync(mesh);
      const run = (name: string, argv: readonly string[]) => runBin(node, join(mesh, name), argv);
      expect((await run('a', ['--version'])).trim()).toMatch(/^(?:datamesh )?\d+\.\d+\.\d+$/);
      const phrase = join(mesh, 'words');
      const started: string[] = [];
      try {
        let address = '';
        for (const name of ['a', 'b', 'c']) {
          mkdirSync(join(mesh, name));
          await run(name, [
            ...[
              'init',
              '--yes',
              '--name',
              name,
              '--quota',
              '64MiB',
              '--reserve',
              '0',
              '--redundancy',
              'small',
            ],
            ...(name === 'a' ? ['--role', 'bootstrap', '--listen', 'auto'] : ['--bootstrap', address]),
            ...(name === 'a' ? [] : ['--identity', 'phrase', '--phrase-file', phrase]),
          ]);
          if (name === 'a')
            writeFileSync(phrase, await run(name, ['keys', 'export', 'main', '--yes']), { mode: 0o600 });
          const [state] = jsonLines(await run(name, ['service', 'start', '--json']));
          started.push(name);
          address ||= (state!.addresses as string[])[0]!;
        }
        const content = randomBytes(300_000);
        writeFileSync(join(mesh, 'file'), content);
        await untilPeers(() => run('a', ['status', '--json']), 2);
        const [receipt] = jsonLines(await run('a', ['put', join(mesh, 'file'), '--name', 'f', '--json']));
        expect(receipt).toMatchObject({ shardsDurable: receipt!.shardsWanted, nodes: 3 });
        await run('a', ['get', 'f', join(mesh, 'back')]);
        expect(readFileSync(join(mesh, 'back')).equals(content)).toBe(true);
      } finally {
        for (const name of started) await run(name, ['service', 'stop']);
      }
    },
    RUN_MS,
  );

  it.each(NODES.map((node) => [version(node), node] as const))(
    'is a library, with types, on Node %s',
    (_version, node) => {
      if (why !== undefined) return;
      const app = at(`app-${version(node)}`);
      mkdirSync(join(app, 'node_modules'), { recursive: true });
      execFileSync('ln', ['-s', packageDir(), join(app, 'node_modules/datamesh')]);
      const example = readFileSync(join(packageDir(), 'docs/examples/library.mjs'), 'utf8');
      writeFileSync(join(app, 'library.mjs'), example);
      const said = execFileSync(node, ['library.mjs', join(app, 'data')], { cwd: app, encoding: 'utf8' });
      expect(said).toMatch(
        /^write these 24 words down\nstored [0-9a-f]{64}, spare 0\nhello, mesh\nDM-8001 \(not-found\): .+\n$/,
      );
      expect(statSync(join(app, 'data')).mode & 0o777).toBe(0o700);

      writeFileSync(join(app, 'typed.ts'), TYPED);
      const config = {
        compilerOptions: {
          ...{
            strict: true,
            noEmit: true,
            module: 'nodenext',
            target: 'es2024',
            lib: ['es2024', 'esnext.disposable'],
          },
          ...{ types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')], skipLibCheck: false },
        },
        files: ['typed.ts'],
      };
      writeFileSync(join(app, 'package.json'), '{"type":"module"}');
      writeFileSync(join(app, 'tsconfig.json'), JSON.stringify(config));
      const checked = spawnSync(
        process.execPath,
        [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', app],
        {
          encoding: 'utf8',
        },
      );
      // The one line that is wrong on purpose, and no other: an error inside our own declarations would be listed too.
      expect(checked.stdout.trim().split('\n')).toEqual([
        expect.stringMatching(/^.*typed\.ts\(9,\d+\): error TS2322: /),
      ]);
    },
    RUN_MS,
  );
});

const TYPED = `import { DatameshError, openEngine, type Engine, type Receipt } from 'datamesh';

export async function store(engine: Engine, bytes: AsyncIterable<Uint8Array>): Promise<Receipt> {
  return await engine.put(bytes, { name: 'x', tags: ['a'] });
}
export const opened: Promise<Engine> = openEngine({ dataDir: '/x', network: { name: 'home' } });
export const isFull = (error: unknown) => error instanceof DatameshError && error.code === 'quota-full';
export const spare = async (engine: Engine): Promise<number> => (await engine.info('x')).spare;
export const wrong: string = (await opened).close;
`;

function version(node: string): string {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
}

/** Its standard output; throws with what it said when it does not end with 0. */
function runBin(node: string, home: string, argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(at('prefix/bin/datamesh'), argv, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      // The link's first line looks for "node" there.
      env: { PATH: `${nodeOnPath(node)}:${process.env.PATH}`, HOME: home, TMPDIR: folder },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (part) => (stdout += part));
    child.stderr.on('data', (part) => (stderr += part));
    child.on('error', reject);
    child.on('close', (status) =>
      status === 0 ? resolve(stdout) : reject(new Error(`datamesh ${argv.join(' ')}: ${status}: ${stderr}`)),
    );
  });
}

/** A folder in which that very runtime is called "node". */
function nodeOnPath(node: string): string {
  if (node.endsWith('/node')) return dirname(node);
  const folderOf = at(`node-${version(node)}`);
  if (!existsSync(folderOf)) {
    mkdirSync(folderOf);
    execFileSync('ln', ['-s', node, join(folderOf, 'node')]);
  }
  return folderOf;
}

async function untilPeers(status: () => Promise<string>, count: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((jsonLines(await status())[0]!.peersConnected as number) >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the nodes have not met');
}

/** Packages and bytes below a node_modules folder. */
function measure(dir: string): { packages: number; bytes: number } {
  let packages = 0;
  let bytes = 0;
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    bytes += statSync(path).size;
    if (/node_modules\/(?:@[^/]+\/)?[^/@]+\/package\.json$/.test(path)) packages++;
  }
  return { packages, bytes };
}
